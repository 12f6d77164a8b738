//! Downloads from the Hugging Face hub.
//!
//! The crate hf-hub is not used: 0.5 sends the token to the hosts of redirects, takes headers for paths and never ends if a
//! header is wrong, and 1.0 compiles four times as many crates.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Write},
    path::Path,
    thread::sleep,
    time::Duration,
};

use rere_data::{DataError, read_parts, sha256_of_file};
use serde_json::Value;
use sha1::{Digest, Sha1};
use ureq::{
    Agent, Body,
    http::{Response, Uri},
};

use super::{
    Kind,
    cache::{self, Cache, INDEX, needed, parts, variable},
    name::{Name, is_commit},
};
use crate::{command::log_line, training_progress::progress_bar};

/// Times that a broken download is continued.
const RETRIES: u32 = 3;
const REDIRECTS: usize = 5;
const TIMEOUT: Duration = Duration::from_secs(60);

/// Why something was not downloaded.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) message: String,
    /// Whether the same may succeed later, so that older files may be used until then.
    pub(super) is_temporary: bool,
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self { message, is_temporary: false }
    }
}

/// A hub.
pub(super) struct Hub {
    agent: Agent,
    endpoint: String,
    token: Option<String>,
}

impl Hub {
    /// Returns the hub that the environment names.
    pub(super) fn from_env() -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(TIMEOUT))
            .timeout_recv_response(Some(TIMEOUT))
            .timeout_per_read(Some(TIMEOUT))
            .user_agent(concat!("rere/", env!("CARGO_PKG_VERSION")));
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        let stored = || fs::read_to_string(cache::home()?.join("token")).ok().map(|token| token.trim().to_owned());
        Self {
            agent: config.build().into(),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: variable("HF_TOKEN").or_else(stored).filter(|token| !token.is_empty()),
        }
    }

    /// Downloads the missing files of a model, and returns its commit.
    pub(super) fn download(&self, name: &Name, kind: Kind, cache: &Cache) -> Result<String, Failure> {
        let revision = name.revision.replace('/', "%2F");
        let url = format!("{}/api/models/{}/revision/{revision}", self.endpoint, name.model);
        let mut response = self.request(&url, false, 0)?.0;
        self.check(&response, "no such model or revision")?;
        let text = response.body_mut().read_to_string().map_err(|error| self.unreachable(error))?;
        let odd = || Failure { message: format!("{url} does not answer as a hub"), is_temporary: true };
        let info: Value = serde_json::from_str(&text).map_err(|_| odd())?;
        let commit = info["sha"].as_str().filter(|commit| is_commit(commit)).ok_or_else(odd)?;
        let files = info["siblings"].as_array().ok_or_else(odd)?;
        let files: Vec<&str> = files.iter().filter_map(|file| file["rfilename"].as_str()).collect();
        let needed = needed(&files, kind).map_err(|problem| format!("{} {problem}", name.model))?;
        for file in &needed {
            self.fetch(name, commit, file, cache)?;
        }
        if needed.contains(&INDEX) {
            for file in parts(&cache.snapshot(commit))? {
                self.fetch(name, commit, &file, cache)?;
            }
        }
        // After all files, so that a cached revision is whole.
        cache.refer(&name.revision, commit)?;
        Ok(commit.to_owned())
    }

    /// Downloads a file, if the cache does not have it.
    fn fetch(&self, name: &Name, commit: &str, file: &str, cache: &Cache) -> Result<(), Failure> {
        let link = cache.snapshot(commit).join(file);
        if link.exists() {
            return Ok(());
        }
        let url = format!("{}/{}/resolve/{commit}/{file}", self.endpoint, name.model);
        let (response, etag) = self.request(&url, true, 0)?;
        self.check(&response, "no such file")?;
        // The ETag is the SHA-256 of a large file, or else git's name of the object.
        let digest = etag.filter(|etag| [40, 64].contains(&etag.len()) && etag.bytes().all(|c| c.is_ascii_hexdigit()));
        let Some(digest) = digest else {
            return Err(format!("{url} has no ETag that is a digest, so the file cannot be checked").into());
        };
        let blob = cache.blob(&digest);
        let at = |path: &Path| {
            let path = path.display().to_string();
            move |error: io::Error| Failure { message: format!("{path}: {error}"), is_temporary: true }
        };
        for path in [&blob, &link, &cache.lock(&digest)] {
            let folder = path.parent().unwrap_or(path);
            fs::create_dir_all(folder).map_err(at(folder))?;
        }
        let _lock = lock(&cache.lock(&digest), file)?;
        if !blob.exists() {
            log_line(format!("{}: {file} from {}", name.model, self.endpoint));
            let part = blob.with_extension("incomplete");
            self.save(&url, file, &part)?;
            let found = digest_of(&part, digest.len() == 64)
                .map_err(|error| Failure { message: error.to_string(), is_temporary: true })?;
            if found != digest.to_lowercase() {
                fs::remove_file(&part).map_err(at(&part))?;
                let problem = format!("{file} is damaged: expected the digest {digest}, found {found}");
                return Err(format!("{problem}; what was downloaded is removed, try again").into());
            }
            fs::rename(&part, &blob).map_err(at(&blob))?;
        }
        // A link to nothing may be left.
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link).map_err(at(&link))?;
        }
        make_link(&blob, &link, file).map_err(at(&link))
    }

    /// Downloads a file to `part`, which may have its beginning.
    fn save(&self, url: &str, file: &str, part: &Path) -> Result<(), Failure> {
        let mut attempt = 0;
        loop {
            let failure = match self.save_once(url, file, part) {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            attempt += 1;
            if !failure.is_temporary || attempt > RETRIES {
                return Err(failure);
            }
            sleep(Duration::from_millis(200) * 2u32.pow(attempt));
        }
    }

    fn save_once(&self, url: &str, file: &str, part: &Path) -> Result<(), Failure> {
        let at = |error: io::Error| Failure { message: format!("{}: {error}", part.display()), is_temporary: true };
        let begun = fs::metadata(part).map_or(0, |part| part.len());
        let (response, _) = self.request(url, false, begun)?;
        let status = response.status().as_u16();
        // The beginning is not that of this file.
        if status == 416 && begun > 0 {
            fs::remove_file(part).map_err(at)?;
            return Err(Failure { message: format!("{url} cannot be continued"), is_temporary: true });
        }
        let is_continued = status == 206 && begun > 0;
        if status != 416 {
            self.check(&response, "no such file")?;
        }
        let mut output = OpenOptions::new()
            .create(true)
            .write(true)
            .append(is_continued)
            .truncate(!is_continued)
            .open(part)
            .map_err(at)?;
        // An empty file has no range.
        if status == 416 {
            return Ok(());
        }
        let length = response.body().content_length().unwrap_or(0);
        let bar = progress_bar(length, "{msg} [{elapsed_precise}] [{wide_bar}] {bytes}/{total_bytes} ({eta})");
        bar.set_message(file.to_owned());
        let mut body = bar.wrap_read(response.into_body().into_reader());
        let copied = io::copy(&mut body, &mut output).and_then(|_| output.flush());
        bar.finish_and_clear();
        copied.map_err(|error| {
            let message = format!("{file} from {}: {error}; the same command continues the download", self.endpoint);
            Failure { message, is_temporary: true }
        })
    }

    /// Requests a file or, with `head`, only what the hub says about it, and returns the response with its ETag. Redirects are
    /// followed; only the hub gets the token.
    fn request(&self, url: &str, head: bool, from: u64) -> Result<(Response<Body>, Option<String>), Failure> {
        let odd = |problem: String| Failure::from(format!("{url}: {problem}"));
        let uri = |url: &str| url.parse::<Uri>().map_err(|error| odd(format!("{url:?} is not an address: {error}")));
        let host = |uri: &Uri| Some((uri.scheme_str()?.to_owned(), uri.authority()?.as_str().to_owned()));
        let home = host(&uri(&self.endpoint)?);
        if home.is_none() {
            return Err(format!(
                "expected an address with http:// or https:// in HF_ENDPOINT, found {:?}",
                self.endpoint
            )
            .into());
        }
        let mut at = url.to_owned();
        for _ in 0..=REDIRECTS {
            let here = host(&uri(&at)?);
            let mut request = if head { self.agent.head(&at) } else { self.agent.get(&at) };
            if let Some(token) = self.token.as_ref().filter(|_| here == home) {
                request = request.header("Authorization", format!("Bearer {token}"));
            }
            if from > 0 {
                request = request.header("Range", format!("bytes={from}-"));
            }
            let response = request.call().map_err(|error| self.unreachable(error))?;
            let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
            let etag = |name: &str| header(name).map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_owned());
            // The hub knows the digest, the host of the redirect need not.
            if let Some(linked) = etag("x-linked-etag").filter(|_| head) {
                return Ok((response, Some(linked)));
            }
            if !response.status().is_redirection() {
                let etag = etag("etag");
                return Ok((response, etag));
            }
            let status = response.status();
            let location = header("location").ok_or_else(|| odd(format!("answers {status} without a Location")))?;
            at = match (location.starts_with('/'), here) {
                (true, Some((scheme, authority))) => format!("{scheme}://{authority}{location}"),
                _ => location.to_owned(),
            };
        }
        Err(odd(format!("leads to more than {REDIRECTS} redirects")))
    }

    /// Returns an error unless the answer is what was asked for.
    fn check(&self, response: &Response<Body>, missing: &str) -> Result<(), Failure> {
        let endpoint = &self.endpoint;
        let status = response.status().as_u16();
        let (message, is_temporary) = match status {
            // The hub's answer about a file that is elsewhere.
            200..=399 => return Ok(()),
            404 => (format!("{endpoint} has {missing} (404)"), false),
            401 | 403 => {
                let remedy = "it does not exist, or HF_TOKEN must be a token that may read it";
                (format!("{endpoint} refuses it ({status}): {remedy}"), false)
            }
            429 | 500.. => (format!("{endpoint} is overloaded or broken ({status}): try again later"), true),
            _ => (format!("{endpoint} answers with status {status}"), false),
        };
        Err(Failure { message, is_temporary })
    }

    fn unreachable(&self, error: ureq::Error) -> Failure {
        Failure { message: format!("{} cannot be reached: {error}", self.endpoint), is_temporary: true }
    }
}

/// Lets one process at a time download a file. On file systems without locks, two may.
fn lock(path: &Path, file: &str) -> Result<Option<File>, Failure> {
    let at = |error: io::Error| Failure { message: format!("{}: {error}", path.display()), is_temporary: true };
    let lock = File::create(path).map_err(at)?;
    match lock.try_lock() {
        Ok(()) => return Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(at(error)),
    }
    log_line(format!("waiting for another process that downloads {file} ({})", path.display()));
    lock.lock().map_err(at)?;
    Ok(Some(lock))
}

/// Returns the SHA-256 of a file, or git's name of it as an object, in hexadecimal.
fn digest_of(path: &Path, is_large: bool) -> Result<String, DataError> {
    if is_large {
        return sha256_of_file(path);
    }
    let length = fs::metadata(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?.len();
    let mut hash = Sha1::new_with_prefix(format!("blob {length}\0"));
    read_parts(path, |part| hash.update(part))?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Links a file of a snapshot to its content, by a relative path, so that the cache can be moved.
#[cfg(unix)]
fn make_link(blob: &Path, link: &Path, file: &str) -> io::Result<()> {
    let up = "../".repeat(2 + file.matches('/').count());
    let name = blob.file_name().unwrap_or_default();
    std::os::unix::fs::symlink(Path::new(&up).join("blobs").join(name), link)
}

/// Not everybody may make symbolic links on Windows.
#[cfg(not(unix))]
fn make_link(blob: &Path, link: &Path, _: &str) -> io::Result<()> {
    fs::hard_link(blob, link).or_else(|_| fs::copy(blob, link).map(|_| ()))
}
