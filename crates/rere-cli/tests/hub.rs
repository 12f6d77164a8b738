//! Encoders and models by name, from a small hub on this machine and from the cache.
#![cfg(feature = "hub")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use serde_json::json;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What the hub has and how it behaves.
#[derive(Default)]
struct Site {
    /// The files of `owner/name`, at the revisions `main` and `v1` and at the commit.
    files: BTreeMap<String, Vec<u8>>,
    /// The token that is required, if one is.
    token: Option<String>,
    /// Downloads of large files that end in the middle.
    broken: usize,
    /// Whether large files are not those that their digest says.
    damaged: bool,
    /// Answers to requests that begin so, instead of the usual ones: status and headers.
    odd: Option<(&'static str, &'static str)>,
    /// The first lines of the requests, with the requested range and the token.
    requests: Vec<String>,
}

/// A hub on this machine. Large files are elsewhere, as on the real one.
struct Hub {
    site: Arc<Mutex<Site>>,
    endpoint: String,
}

impl Hub {
    fn new(files: BTreeMap<String, Vec<u8>>) -> Self {
        let site = Arc::new(Mutex::new(Site { files, ..Site::default() }));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let served = Arc::clone(&site);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away is no failure of the hub.
                _ = serve(&stream, &mut served.lock().expect("the site"));
            }
        });
        Self { site, endpoint }
    }

    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().expect("the site")
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.site().requests)
    }
}

fn is_large(file: &str) -> bool {
    file.ends_with(".safetensors") || file.ends_with(".bin")
}

fn serve(mut stream: &TcpStream, site: &mut Site) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let (mut range, mut token) = (String::new(), None);
    for line in lines {
        let line = line?;
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("range") => range = value.to_owned(),
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => token = Some(value.to_owned()),
            Some(_) => {}
            None => break,
        }
    }
    site.requests.push(format!("{request} {range} {}", token.as_deref().unwrap_or_default()));
    if let Some((_, answer)) = site.odd.filter(|(beginning, _)| request.starts_with(beginning)) {
        return write!(stream, "HTTP/1.1 {answer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    }
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let host = stream.local_addr()?;
    let mut answer = |status: &str, headers: &str, body: &[u8]| {
        let length = body.len();
        write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n")?;
        if request.starts_with("HEAD ") { Ok(()) } else { stream.write_all(body) }
    };
    let is_known = |revision: &str| ["main", "v1", COMMIT].contains(&revision);
    if let Some(digest) = path.strip_prefix("/elsewhere/") {
        // Such links have their own permission.
        let file = site.files.values().find(|file| hex(&Sha256::digest(file)) == digest);
        let Some(mut file) = file.cloned() else { return answer("404 Not Found", "", b"") };
        let (first, last) = first_and_last(&range, file.len());
        let (content_range, size) =
            (format!("Content-Range: bytes {first}-{last}/{}\r\n", file.len()), last + 1 - first);
        if site.damaged {
            file[0] ^= 1;
        }
        if size > 1 && site.broken > 0 {
            site.broken -= 1;
            let head = format!(
                "HTTP/1.1 206 Partial Content\r\nConnection: close\r\nContent-Length: {size}\r\n{content_range}\r\n"
            );
            stream.write_all(head.as_bytes())?;
            return stream.write_all(&file[first..first + size / 2]);
        }
        return answer("206 Partial Content", &content_range, &file[first..=last]);
    }
    if site.token.as_ref().is_some_and(|expected| token.as_deref() != Some(expected)) {
        return answer("401 Unauthorized", "", b"");
    }
    if let Some(revision) = path.strip_prefix("/api/models/owner/name/revision/").filter(|revision| is_known(revision))
    {
        assert!(!revision.is_empty());
        let siblings: Vec<_> = site.files.keys().map(|file| json!({ "rfilename": file })).collect();
        return answer("200 OK", "", json!({ "sha": COMMIT, "siblings": siblings }).to_string().as_bytes());
    }
    let file = path.strip_prefix("/owner/name/resolve/").and_then(|rest| rest.split_once('/'));
    let file = file.filter(|(revision, _)| is_known(revision)).and_then(|(_, file)| site.files.get_key_value(file));
    match file {
        Some((name, content)) if is_large(name) => {
            let digest = hex(&Sha256::digest(content));
            // Another host, as on the real hub.
            let location = format!("http://localhost:{}/elsewhere/{digest}", host.port());
            let headers = format!("Location: {location}\r\nX-Linked-ETag: \"{digest}\"\r\nX-Repo-Commit: {COMMIT}\r\n");
            answer("302 Found", &headers, b"")
        }
        Some((_, content)) => {
            let name =
                hex(&Sha1::new_with_prefix(format!("blob {}\0", content.len())).chain_update(content).finalize());
            let (first, last) = first_and_last(&range, content.len());
            let content_range = format!("Content-Range: bytes {first}-{last}/{}", content.len());
            let headers = format!("{content_range}\r\nETag: \"{name}\"\r\nX-Repo-Commit: {COMMIT}\r\n");
            answer("206 Partial Content", &headers, &content[first..=last])
        }
        None => answer("404 Not Found", "", b""),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the ends of a range such as `bytes=3-` or `bytes=0-0`.
fn first_and_last(range: &str, length: usize) -> (usize, usize) {
    let (first, last) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
    let first = first.parse().expect("a number");
    (first, last.parse().map_or(length - 1, |last: usize| last.min(length - 1)))
}

/// Returns the files of a tiny BERT as the hub has them, without `tokenizer.json`, and files that are not needed.
fn encoder() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rere-model/tests/reference/families/bert");
    let mut files: BTreeMap<String, Vec<u8>> = ["config.json", "model.safetensors"]
        .map(|name| (name.to_owned(), fs::read(folder.join(name)).expect("a file")))
        .into();
    files.insert("vocab.txt".into(), b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nada\nbob\nmet\n".to_vec());
    files.insert("onnx/model.onnx".into(), vec![7; 100]);
    files.insert("tf_model.h5".into(), vec![7; 100]);
    files
}

/// A folder with settings that name the encoder, and a cache.
struct User {
    folder: TempDir,
    endpoint: String,
    environment: Vec<(&'static str, String)>,
}

impl User {
    fn new(endpoint: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = r#"
            data = { train = "train.jsonl" }
            encoder = { pretrained = "owner/name" }
            rere.relation = { epochs = 1 }
            rere.entity = { epochs = 1 }
            training.max_tokens = 24
        "#;
        fs::write(folder.path().join("rere.toml"), settings).expect("written");
        let train = r#"{"text": "ada met bob", "triple_list": [["ada", "met", "bob"]]}"#;
        fs::write(folder.path().join("train.jsonl"), train).expect("written");
        Self { folder, endpoint: endpoint.to_owned(), environment: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of `owner/name` in the cache.
    fn cached(&self) -> PathBuf {
        self.path("cache/hub/models--owner--name")
    }

    fn set(&mut self, variable: &'static str, value: &str) {
        self.environment.push((variable, value.to_owned()));
    }

    fn rere(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_rere"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HF_HOME", self.path("cache"))
            .env("HF_ENDPOINT", &self.endpoint)
            .envs(self.environment.iter().map(|(variable, value)| (*variable, value)))
            .env_remove("HF_HUB_CACHE")
            .output()
            .expect("starts")
    }

    fn train(&self) -> Output {
        self.rere(&["train", "--config", "rere.toml", "--out", "model"])
    }

    /// Trains and returns what was logged.
    fn trains(&self) -> String {
        let output = self.train();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{log}");
        fs::remove_dir_all(self.path("model")).expect("a model");
        log
    }

    /// Trains in vain and returns the error.
    fn fails(&self) -> String {
        let output = self.train();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(!error.contains("panicked"), "{error}");
        error
    }
}

#[test]
fn an_encoder_is_downloaded_once() {
    let hub = Hub::new(encoder());
    let user = User::new(&hub.endpoint);
    user.trains();
    let requests = hub.requests();
    assert!(!requests.iter().any(|request| request.contains("onnx") || request.contains("tf_model")), "{requests:?}");
    // The layout is that of the hub's Python library.
    let snapshot = user.cached().join("snapshots").join(COMMIT);
    let mut names: Vec<_> =
        fs::read_dir(&snapshot).expect("files").map(|file| file.expect("one").file_name()).collect();
    names.sort();
    assert_eq!(names, ["config.json", "model.safetensors", "vocab.txt"]);
    assert_eq!(fs::read_to_string(user.cached().join("refs/main")).expect("a reference"), COMMIT);
    assert_eq!(fs::read(snapshot.join("model.safetensors")).expect("weights"), hub.site().files["model.safetensors"]);
    // The second time only the commit is asked for.
    user.trains();
    let requests = hub.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert!(requests[0].starts_with("GET /api/models/owner/name/revision/main"), "{requests:?}");
}

#[test]
fn the_cache_is_enough_without_a_network() {
    let hub = Hub::new(encoder());
    let mut user = User::new(&hub.endpoint);
    user.trains();
    // A port that nothing listens at.
    user.endpoint = "http://127.0.0.1:1".to_owned();
    let log = user.trains();
    assert!(
        log.contains("note: http://127.0.0.1:1") && log.contains("the cached files of owner/name are used"),
        "{log}"
    );
    user.set("HF_HUB_OFFLINE", "1");
    assert!(!user.trains().contains("note:"));
}

#[test]
fn without_a_network_and_a_cache_the_error_names_both() {
    let mut user = User::new("http://127.0.0.1:1");
    let error = user.fails();
    assert!(
        error.contains("owner/name is not found, and as a name on the hub it cannot be used: http://127.0.0.1:1"),
        "{error}"
    );
    user.set("HF_HUB_OFFLINE", "true");
    let error = user.fails();
    assert!(
        error.contains("HF_HUB_OFFLINE is set, and the cache") && error.contains("cache/hub does not have it"),
        "{error}"
    );
}

#[test]
fn a_folder_comes_before_the_hub() {
    let hub = Hub::new(encoder());
    let user = User::new(&hub.endpoint);
    let folder = user.path("owner/name");
    fs::create_dir_all(&folder).expect("a folder");
    for (name, content) in encoder().into_iter().filter(|(name, _)| !name.contains('/')) {
        fs::write(folder.join(name), content).expect("written");
    }
    user.trains();
    assert!(hub.requests().is_empty());
}

#[test]
fn broken_downloads_are_continued() {
    let hub = Hub::new(encoder());
    let user = User::new(&hub.endpoint);
    // More often than it is tried in one run.
    hub.site().broken = 5;
    let error = user.fails();
    assert!(error.contains("model.safetensors from http") && error.contains("continues the download"), "{error}");
    assert!(!user.cached().join("refs/main").exists());
    hub.requests();
    user.trains();
    let requests = hub.requests();
    let from = |request: &String| request.split(' ').find_map(|word| word.strip_prefix("bytes=")).map(str::to_owned);
    let continued = requests.iter().any(|request| request.contains("/elsewhere/") && from(request).is_some());
    assert!(continued, "{requests:?}");
}

#[test]
fn a_wrong_digest_is_an_error() {
    let hub = Hub::new(encoder());
    let user = User::new(&hub.endpoint);
    hub.site().damaged = true;
    let error = user.fails();
    assert!(error.contains("model.safetensors is damaged: expected the digest"), "{error}");
    assert!(!user.cached().join("snapshots").join(COMMIT).join("model.safetensors").exists());
    hub.site().damaged = false;
    user.trains();
}

#[test]
fn a_token_is_sent_to_the_hub_alone() {
    let hub = Hub::new(encoder());
    hub.site().token = Some("Bearer secret".to_owned());
    let mut user = User::new(&hub.endpoint);
    let error = user.fails();
    assert!(error.contains("refuses it (401)") && error.contains("HF_TOKEN"), "{error}");
    user.set("HF_TOKEN", "secret");
    hub.requests();
    user.trains();
    let elsewhere = |request: &&String| request.contains("/elsewhere/");
    let requests = hub.requests();
    assert!(requests.iter().any(|request| elsewhere(&request)), "{requests:?}");
    for request in &requests {
        assert_eq!(request.ends_with("Bearer secret"), !elsewhere(&request), "{request}");
    }
    // Without the variable, the token that the hub's tools have stored.
    let user = User::new(&hub.endpoint);
    fs::create_dir_all(user.path("cache")).expect("created");
    fs::write(user.path("cache/token"), "secret\n").expect("written");
    user.trains();
}

#[test]
fn odd_answers_are_errors() {
    let (api, file) = ("GET /api/", "HEAD /owner/name/resolve/");
    let cases = [
        ((api, "200 OK"), "does not answer as a hub"),
        ((api, "302 Found\r\nLocation: /api/models/owner/name/revision/main"), "leads to more than 5 redirects"),
        ((api, "304 Not Modified"), "answers 304 Not Modified without a Location"),
        ((api, "503 Busy"), "is overloaded or broken (503): try again later"),
        ((file, "200 OK"), "has no ETag that is a digest"),
        ((file, "200 OK\r\nETag: \"../../../pwned\""), "has no ETag that is a digest"),
        ((file, "302 Found\r\nLocation: x y"), "is not an address"),
        ((file, "404 Not Found"), "has no such file (404)"),
    ];
    for (odd, expected) in cases {
        let hub = Hub::new(encoder());
        hub.site().odd = Some(odd);
        let user = User::new(&hub.endpoint);
        let error = user.fails();
        assert!(error.contains(expected), "{odd:?}: {error}");
    }
}

#[test]
fn the_cache_is_used_while_the_hub_is_down() {
    let hub = Hub::new(encoder());
    let user = User::new(&hub.endpoint);
    user.trains();
    hub.site().odd = Some(("GET /api/", "503 Busy"));
    let log = user.trains();
    assert!(log.contains("(503): try again later; the cached files of owner/name are used"), "{log}");
}

/// Another program may have downloaded the configuration alone.
#[test]
fn a_part_of_a_model_in_the_cache_is_completed() {
    let hub = Hub::new(encoder());
    let mut user = User::new(&hub.endpoint);
    user.trains();
    fs::remove_file(user.cached().join("snapshots").join(COMMIT).join("model.safetensors")).expect("removed");
    user.set("HF_HUB_OFFLINE", "1");
    let error = user.fails();
    assert!(error.contains("HF_HUB_OFFLINE is set, and in the cache") && error.contains("lacks weights"), "{error}");
    user.environment.clear();
    user.trains();
}

#[test]
fn what_a_model_lacks_is_said_before_anything_is_downloaded() {
    let mut files = encoder();
    files.remove("vocab.txt");
    let hub = Hub::new(files);
    let user = User::new(&hub.endpoint);
    let error = user.fails();
    assert!(error.contains("owner/name lacks a tokenizer: one of tokenizer.json, vocab.txt"), "{error}");
    assert_eq!(hub.requests().len(), 1);
}

#[test]
fn revisions_follow_the_name() {
    let hub = Hub::new(encoder());
    let user = User::new(&hub.endpoint);
    let settings = fs::read_to_string(user.path("rere.toml")).expect("settings");
    let with = |revision: &str| {
        let settings = settings.replace("owner/name", &format!("owner/name@{revision}"));
        fs::write(user.path("rere.toml"), settings).expect("written");
    };
    with("v1");
    user.trains();
    assert!(hub.requests()[0].contains("/revision/v1"));
    // A commit that is in the cache does not change.
    with(COMMIT);
    user.trains();
    assert!(hub.requests().is_empty());
    with("v2");
    let error = user.fails();
    assert!(error.contains("no such model or revision (404)"), "{error}");
}

#[test]
fn models_are_published_and_used_by_name() {
    let hub = Hub::new(encoder());
    let user = User::new(&hub.endpoint);
    assert!(user.train().status.success());
    let card = fs::read_to_string(user.path("model/README.md")).expect("a model card");
    for part in [
        "base_model: \"owner/name\"\n",
        "## Relations\n- `met`\n",
        "`train.jsonl`",
        "## Thresholds\ndetect ",
        &format!("owner/name@{COMMIT}"),
    ] {
        assert!(card.contains(part), "{part:?} is not in {card}");
    }
    assert!(!card.contains(&user.path("").display().to_string()), "a path of this machine: {card}");
    // Publish the folder, as `hf upload` does.
    let mut files = BTreeMap::new();
    for name in [
        "README.md",
        "config.json",
        "training.json",
        "tokenizer.json",
        "relation/model.safetensors",
        "entity/model.safetensors",
    ] {
        files.insert(name.to_owned(), fs::read(user.path("model").join(name)).expect(name));
    }
    hub.site().files = files;
    let other = User::new(&hub.endpoint);
    let output = other.rere(&["extract", "--model", "owner/name", "train.jsonl"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("ada met bob"));
    let output = other.rere(&["train", "--config", "rere.toml", "--from", "owner/name", "--out", "more"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let card = fs::read_to_string(other.path("more/README.md")).expect("a model card");
    assert!(card.contains(&format!("started from the model `owner/name@{COMMIT}`")), "{card}");
}

#[test]
fn tune_keeps_the_card_up_to_date_unless_somebody_has_edited_it() {
    let hub = Hub::new(encoder());
    let user = User::new(&hub.endpoint);
    assert!(user.train().status.success());
    let card = || fs::read_to_string(user.path("model/README.md")).expect("a card");
    assert!(user.rere(&["tune", "--model", "model", "--triple", "0.25"]).status.success());
    assert!(card().contains("triple 0.2500"), "{}", card());
    fs::write(user.path("model/README.md"), "mine").expect("written");
    assert!(user.rere(&["tune", "--model", "model", "--triple", "0.5"]).status.success());
    assert_eq!(card(), "mine");
    let output = user.train();
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stderr).contains("README.md was not written by")
    );
    assert_eq!(card(), "mine");
}
