//! An HTTP service that extracts triples from texts.
//!
//! ```text
//! cargo run --release --example service -- MODEL 127.0.0.1:8080
//! curl 127.0.0.1:8080/extract -H 'content-type: application/json' \
//!     -d '{"texts": ["Dora Lee was born in Haskminster ."], "min_score": 0.3}'
//! ```
//!
//! All requests share one model. The response is a list of sentences in the rere format.

use std::{env, error::Error, path::Path, sync::Arc};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use rere::{Device, ExtractError, ExtractOptions, Extractor, Input, LoadOptions, Probability, Sentence, load};
use serde::Deserialize;
use tokio::{net::TcpListener, task::spawn_blocking};

#[derive(Deserialize)]
struct Request {
    texts: Vec<String>,
    min_score: Option<Probability>,
    relations: Option<Vec<String>>,
}

async fn extract(
    State(extractor): State<Arc<dyn Extractor>>,
    Json(Request { texts, min_score, relations }): Json<Request>,
) -> Result<Json<Vec<Sentence>>, (StatusCode, String)> {
    // Extraction is long and uses all cores, so it must not run on the threads that serve connections.
    let work = move || -> Result<Vec<Sentence>, ExtractError> {
        let inputs: Vec<Input> = texts.iter().map(Input::from).collect();
        let mut options = ExtractOptions::default().with_min_score(min_score);
        options.relations = relations;
        let found = extractor.extract(&inputs, &options)?;
        Ok(texts.into_iter().zip(found).map(|(text, triples)| Sentence::new(text).with_triples(triples)).collect())
    };
    match spawn_blocking(work).await {
        Ok(Ok(sentences)) => Ok(Json(sentences)),
        Ok(Err(error @ ExtractError::UnknownRelation { .. })) => Err((StatusCode::BAD_REQUEST, error.to_string())),
        Ok(Err(error)) => Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}

fn service(model: &Path) -> Result<Router, Box<dyn Error>> {
    let extractor: Box<dyn Extractor> = load(model, LoadOptions::new(Device::flex()))?;
    Ok(Router::new().route("/extract", post(extract)).with_state(Arc::from(extractor)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, address] = arguments.as_slice() else { return Err("expected two arguments: MODEL ADDRESS".into()) };
    let listener = TcpListener::bind(address).await?;
    println!("POST http://{}/extract", listener.local_addr()?);
    Ok(axum::serve(listener, service(Path::new(model))?).await?)
}

#[cfg(test)]
mod tests {
    use rere::{Config, Corpus, Rere, TrainOptions, Trainer, Triple};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    async fn request(address: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        let length = body.len();
        let head_and_body = format!(
            "POST /extract HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        );
        stream.write_all(head_and_body.as_bytes()).await.expect("sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).await.expect("a response");
        response
    }

    #[tokio::test]
    async fn requests_get_triples_or_an_error() {
        let config: Config<Rere> = Config::parse(
            "[encoder.random]\nmodel_type = \"bilstm\"\nembedding_size = 8\ndirection_size = 8\n\
             [rere.relation]\nepochs = 60\nlearning_rate = 1e-2\n[rere.entity]\nepochs = 60\nlearning_rate = 1e-2",
        )
        .expect("settings");
        let ada = Sentence::new("Ada was born in London .").with_triples([Triple::of("Ada", "born in", "London")]);
        let corpus = Corpus { train: vec![ada.clone(), Sentence::new("Nothing is said here .")], dev: vec![ada] };
        let folder = tempfile::tempdir().expect("a folder");
        Trainer::new(config, TrainOptions::new(Device::flex())).run(&corpus, folder.path()).expect("trains");

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let router = service(folder.path()).expect("loads");
        tokio::spawn(async move { axum::serve(listener, router).await });
        let found = request(&address, r#"{"texts": ["Ada was born in London ."], "min_score": 0}"#).await;
        assert!(found.starts_with("HTTP/1.1 200"), "{found}");
        let body: Vec<Sentence> = serde_json::from_str(found.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
        assert_eq!(body[0].triples[0].object.text, "London");
        let wrong = request(&address, r#"{"texts": ["Ada"], "relations": ["died in"]}"#).await;
        assert!(wrong.starts_with("HTTP/1.1 400") && wrong.contains("born in"), "{wrong}");
    }
}
