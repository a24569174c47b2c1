//! `agent grpc|unix|reverse WHERE` judges with the original's server;
//! `client grpc|unix|reverse WHERE` asks an agent with the original's client and prints what was as it should be.
#![allow(unexpected_cfgs)]
mod agent;
mod client;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["agent", "grpc", address] => agent::serve_grpc(address).await,
        #[cfg(feature = "zentinel")]
        ["agent", "unix", path] => agent::serve_unix(path).await,
        ["agent", "reverse", path] => agent::dial_reverse(path).await,
        ["client", kind @ ("grpc" | "unix" | "reverse"), place] => client::ask(kind, place).await,
        _ => Err("usage: agent|client grpc|unix|reverse WHERE".into()),
    }
}
