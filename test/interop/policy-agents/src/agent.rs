//! An agent whose judgements the other side of the trial knows.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use original::v2::reverse::{RegistrationRequest, RegistrationResponse};
use original::v2::uds::{MessageType, UdsCapabilities, UdsFeatures, UdsLimits};
use original::v2::{AgentCapabilities, AgentFeatures, AgentHandlerV2, GrpcAgentServerV2};
use original::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

type Done = Result<(), Box<dyn std::error::Error>>;
const ID: &str = "rust-agent";

pub struct Trial;

fn set(name: &str, value: &str) -> HeaderOp {
    HeaderOp::Set { name: name.into(), value: value.into() }
}

#[async_trait::async_trait]
impl AgentHandlerV2 for Trial {
    fn capabilities(&self) -> AgentCapabilities {
        [
            EventType::RequestHeaders,
            EventType::RequestBodyChunk,
            EventType::ResponseHeaders,
            EventType::ResponseBodyChunk,
            EventType::RequestComplete,
            EventType::WebSocketFrame,
            EventType::Configure,
        ]
        .into_iter()
        .fold(AgentCapabilities::new(ID, "trial agent", "1.2.3"), |all, one| all.with_event(one))
        .with_features(AgentFeatures::full())
    }

    async fn on_request_headers(&self, event: RequestHeadersEvent) -> AgentResponse {
        if event.uri.starts_with("/blocked") {
            return AgentResponse {
                decision: Decision::Block {
                    status: 403,
                    body: Some("blocked".into()),
                    headers: Some([("x-rule".to_string(), "path".to_string())].into()),
                },
                audit: AuditMetadata {
                    tags: vec!["path".into()],
                    rule_ids: vec!["r1".into()],
                    confidence: Some(0.5),
                    ..Default::default()
                },
                ..AgentResponse::default_allow()
            };
        }
        if event.uri.starts_with("/moved") {
            return AgentResponse::redirect("https://example.org/".into(), 308);
        }
        if event.uri.starts_with("/who") {
            return AgentResponse {
                decision: Decision::Challenge {
                    challenge_type: "basic".into(),
                    params: [("realm".to_string(), "trial".to_string())].into(),
                },
                ..AgentResponse::default_allow()
            };
        }
        AgentResponse::default_allow()
            .add_request_header(set("x-judged", &event.metadata.client_ip))
            .add_request_header(HeaderOp::Remove { name: "x-bad".into() })
            .add_response_header(HeaderOp::Add { name: "x-seen".into(), value: event.method })
            .set_needs_more(event.uri.starts_with("/body"))
    }

    async fn on_request_body_chunk(&self, event: RequestBodyChunkEvent) -> AgentResponse {
        let text = String::from_utf8_lossy(&STANDARD.decode(&event.data).unwrap_or_default()).into_owned();
        if text.contains("secret") {
            return AgentResponse::block(422, Some("no secrets".into()));
        }
        AgentResponse::default_allow()
            .with_request_body_mutation(BodyMutation::replace(event.chunk_index, STANDARD.encode(text.to_uppercase())))
            .set_needs_more(!event.is_last)
    }

    async fn on_response_headers(&self, event: ResponseHeadersEvent) -> AgentResponse {
        AgentResponse::default_allow().add_response_header(set("x-status", &event.status.to_string()))
    }

    async fn on_response_body_chunk(&self, event: ResponseBodyChunkEvent) -> AgentResponse {
        AgentResponse::default_allow().with_response_body_mutation(BodyMutation::drop_chunk(event.chunk_index))
    }

    async fn on_websocket_frame(&self, event: WebSocketFrameEvent) -> AgentResponse {
        match STANDARD.decode(&event.data).unwrap_or_default().as_slice() {
            b"drop" => AgentResponse::websocket_drop(),
            b"close" => AgentResponse::websocket_close(1008, "policy".into()),
            _ => AgentResponse::websocket_allow(),
        }
    }

    async fn on_configure(&self, config: serde_json::Value, _version: Option<String>) -> bool {
        config.get("wrong").is_none()
    }
}

pub async fn serve_grpc(address: &str) -> Done {
    Ok(GrpcAgentServerV2::new(ID, Box::new(Trial)).run(address.parse()?).await?)
}

#[cfg(feature = "zentinel")]
pub async fn serve_unix(path: &str) -> Done {
    Ok(original::v2::UdsAgentServerV2::new(ID, path, Box::new(Trial)).run().await?)
}

async fn write(stream: &mut tokio::net::UnixStream, kind: MessageType, payload: &[u8]) -> Done {
    stream.write_u32(payload.len() as u32 + 1).await?;
    stream.write_u8(kind as u8).await?;
    Ok(stream.write_all(payload).await?)
}

async fn read(stream: &mut tokio::net::UnixStream) -> Result<(u8, Vec<u8>), Box<dyn std::error::Error>> {
    let length = stream.read_u32().await? as usize;
    let kind = stream.read_u8().await?;
    let mut payload = vec![0; length - 1];
    stream.read_exact(&mut payload).await?;
    Ok((kind, payload))
}

/// The original has the messages of a registration and no agent that sends them; the frames are its own.
pub async fn dial_reverse(path: &str) -> Done {
    let mut stream = tokio::net::UnixStream::connect(path).await?;
    let registration = RegistrationRequest {
        protocol_version: 2,
        agent_id: ID.into(),
        capabilities: UdsCapabilities {
            agent_id: ID.into(),
            name: "trial agent".into(),
            version: "1.2.3".into(),
            supported_events: vec![1, 2, 3, 4, 5],
            features: UdsFeatures { streaming_body: true, concurrent_requests: 10, cancellation: true, ..Default::default() },
            limits: UdsLimits { max_body_size: 1 << 20, max_concurrency: 10, preferred_chunk_size: 1 << 16 },
        },
        auth_token: std::env::var("TOKEN").ok(),
        metadata: None,
    };
    write(&mut stream, MessageType::HandshakeRequest, &serde_json::to_vec(&registration)?).await?;
    let (_, answer) = read(&mut stream).await?;
    let answer: RegistrationResponse = serde_json::from_slice(&answer)?;
    if !answer.success {
        return Err(answer.error.unwrap_or_default().into());
    }
    loop {
        let (kind, payload) = read(&mut stream).await?;
        let id = |value: &serde_json::Value| value["correlation_id"].as_str().unwrap_or_default().to_string();
        let value: serde_json::Value = serde_json::from_slice(&payload)?;
        let (id, mut answer) = match kind {
            0x10 => {
                let event: RequestHeadersEvent = serde_json::from_value(value)?;
                (event.metadata.correlation_id.clone(), Trial.on_request_headers(event).await)
            }
            0x11 => (id(&value), Trial.on_request_body_chunk(serde_json::from_value(value)?).await),
            0x12 => (id(&value), Trial.on_response_headers(serde_json::from_value(value)?).await),
            0x13 => (id(&value), Trial.on_response_body_chunk(serde_json::from_value(value)?).await),
            0x14 => (id(&value), Trial.on_request_complete(serde_json::from_value(value)?).await),
            0x41 => {
                write(&mut stream, MessageType::Pong, &payload).await?;
                continue;
            }
            _ => continue,
        };
        answer.audit.custom.insert("correlation_id".into(), id.into());
        write(&mut stream, MessageType::AgentResponse, &serde_json::to_vec(&answer)?).await?;
    }
}
