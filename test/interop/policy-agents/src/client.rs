//! Asks an agent by the original's pool, and says which answers are as the trial's agent must give them.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use original::v2::pool::AgentPoolConfig;
use original::v2::reverse::{ReverseConnectionConfig, ReverseConnectionListener};
use original::v2::{AgentPool, CancelReason};
use original::*;
use std::time::Duration;

const ID: &str = "trial";

fn head(id: &str, uri: &str) -> RequestHeadersEvent {
    RequestHeadersEvent {
        metadata: RequestMetadata {
            correlation_id: id.into(),
            request_id: format!("request-{id}"),
            client_ip: "192.0.2.7".into(),
            client_port: 4711,
            server_name: Some("example.org".into()),
            protocol: "HTTP/1.1".into(),
            tls_version: None,
            tls_cipher: None,
            route_id: None,
            upstream_id: None,
            timestamp: "2026-01-01T00:00:00Z".into(),
            traceparent: None,
        },
        method: "POST".into(),
        uri: uri.into(),
        headers: [("accept".to_string(), vec!["a".to_string(), "b".to_string()])].into(),
    }
}

fn request_chunk(id: &str, index: u32, text: &str, last: bool) -> RequestBodyChunkEvent {
    RequestBodyChunkEvent {
        correlation_id: id.into(),
        data: STANDARD.encode(text),
        is_last: last,
        total_size: None,
        chunk_index: index,
        bytes_received: text.len(),
    }
}

fn says(what: &str, good: bool, seen: &dyn std::fmt::Debug) -> bool {
    if good { println!("ok   {what}") } else { println!("FAIL {what}: {seen:?}") }
    good
}

/// The encoding that a unix socket agreed on, and configuration, frames and chunks that the pool does not send.
#[cfg(feature = "zentinel")]
async fn unix_only(path: &str) -> Result<bool, Box<dyn std::error::Error>> {
    use original::v2::AgentClientV2Uds;
    let client = AgentClientV2Uds::new(ID, path, Duration::from_secs(5)).await?;
    client.connect().await?;
    let encoding = client.encoding().await;
    println!("     encoding {encoding:?}");
    let mut all = true;
    let frame = |data: &str| WebSocketFrameEvent {
        correlation_id: "w".into(),
        opcode: "text".into(),
        data: STANDARD.encode(data),
        client_to_server: true,
        frame_index: 0,
        fin: true,
        route_id: None,
        client_ip: "192.0.2.7".into(),
    };
    client.send_request_headers("w", &head("w", "/")).await?;
    let answer = client.send_websocket_frame("w", &frame("drop")).await?;
    all &= says("frame dropped", answer.websocket_decision == Some(WebSocketDecision::Drop), &answer);
    let answer = client.send_websocket_frame("w", &frame("close")).await?;
    let closed = WebSocketDecision::Close { code: 1008, reason: "policy".into() };
    all &= says("frame closes", answer.websocket_decision == Some(closed), &answer);
    let answer = client.send_configure("c1", &serde_json::json!({"config": {"a": 1}, "config_version": "7"})).await?;
    all &= says("configuration taken", answer.decision == Decision::Allow, &answer);
    let answer = client.send_configure("c2", &serde_json::json!({"config": {"wrong": 1}})).await?;
    all &= says("configuration refused", matches!(answer.decision, Decision::Block { .. }), &answer);
    let chunk = BinaryRequestBodyChunkEvent::new("w", "abc", 0, true);
    let answer = client.send_request_body_chunk_binary(&chunk).await?;
    let changed = answer.request_body_mutation.as_ref().and_then(|m| m.data.clone());
    all &= says("binary chunk changed", changed == Some(STANDARD.encode("ABC")), &answer);
    client.ping().await?;
    client.cancel_request("w", CancelReason::ClientDisconnect).await?;
    client.send_request_headers("w2", &head("w2", "/")).await?;
    all &= says("lives after ping and cancel", true, &"");
    let complete = RequestCompleteEvent {
        correlation_id: "w2".into(),
        status: 200,
        duration_ms: 3,
        request_body_size: 1,
        response_body_size: 2,
        upstream_attempts: 1,
        error: None,
    };
    let answer = client.send_request_complete("w2", &complete).await?;
    all &= says("complete answered", answer.decision == Decision::Allow, &answer);
    Ok(all)
}

pub async fn ask(kind: &str, place: &str) -> Result<(), Box<dyn std::error::Error>> {
    let config = AgentPoolConfig { connections_per_agent: 1, request_timeout: Duration::from_secs(5), ..Default::default() };
    let pool = AgentPool::with_config(config);
    let mut agent = ID.to_string();
    // held until the end: it takes its socket away with it
    let listener;
    if kind == "reverse" {
        let accepted = ReverseConnectionConfig {
            require_auth: true,
            #[cfg(feature = "zentinel")]
            auth_tokens: ["s3cret".to_string()].into(),
            ..Default::default()
        };
        listener = ReverseConnectionListener::bind_uds(place, accepted).await?;
        println!("     listening");
        agent = tokio::time::timeout(Duration::from_secs(20), listener.accept_one(&pool)).await??;
    } else {
        pool.add_agent(ID, place).await?;
    }
    let capabilities = pool.agent_capabilities(&agent).await.ok_or("the agent is not there")?;
    let mut all = says("name and events", capabilities.name == "trial agent" && capabilities.supports_event(EventType::ResponseBodyChunk), &capabilities);

    let answer = pool.send_request_headers(&agent, "1", &head("1", "/")).await?;
    let set = HeaderOp::Set { name: "x-judged".into(), value: "192.0.2.7".into() };
    all &= says("allow with headers", answer.decision == Decision::Allow && answer.request_headers.contains(&set), &answer);
    let answer = pool.send_request_headers(&agent, "2", &head("2", "/blocked")).await?;
    let blocked = matches!(&answer.decision, Decision::Block { status: 403, body: Some(body), headers: Some(headers) }
        if body == "blocked" && headers.get("x-rule").is_some_and(|value| value == "path"));
    all &= says("block", blocked && answer.audit.rule_ids == ["r1"], &answer);
    let answer = pool.send_request_headers(&agent, "3", &head("3", "/moved")).await?;
    all &= says("redirect", answer.decision == Decision::Redirect { url: "https://example.org/".into(), status: 308 }, &answer);
    let answer = pool.send_request_headers(&agent, "4", &head("4", "/who")).await?;
    all &= says("challenge", matches!(&answer.decision, Decision::Challenge { challenge_type, .. } if challenge_type == "basic"), &answer);

    let answer = pool.send_request_headers(&agent, "5", &head("5", "/body")).await?;
    all &= says("needs more", answer.needs_more, &answer);
    let answer = pool.send_request_body_chunk(&agent, "5", &request_chunk("5", 0, "plain", false)).await?;
    let changed = answer.request_body_mutation.as_ref().and_then(|m| m.data.clone());
    all &= says("chunk changed", kind == "grpc" || changed == Some(STANDARD.encode("PLAIN")), &answer);
    let answer = pool.send_request_body_chunk(&agent, "5", &request_chunk("5", 1, "a secret", true)).await?;
    all &= says("chunk blocked", matches!(answer.decision, Decision::Block { status: 422, .. }), &answer);

    pool.send_request_headers(&agent, "6", &head("6", "/")).await?;
    let response = ResponseHeadersEvent { correlation_id: "6".into(), status: 404, headers: Default::default() };
    let answer = pool.send_response_headers(&agent, "6", &response).await?;
    let set = HeaderOp::Set { name: "x-status".into(), value: "404".into() };
    all &= says("response head", answer.response_headers.contains(&set), &answer);
    let chunk = ResponseBodyChunkEvent {
        correlation_id: "6".into(),
        data: STANDARD.encode("tail"),
        is_last: true,
        total_size: None,
        chunk_index: 0,
        bytes_sent: 4,
    };
    let answer = pool.send_response_body_chunk(&agent, "6", &chunk).await?;
    let dropped = answer.response_body_mutation.as_ref().is_some_and(|m| m.is_drop());
    all &= says("response chunk dropped", kind == "grpc" || dropped, &answer);

    let many = (0..200).map(|n| {
        let (pool, agent) = (&pool, &agent);
        async move { pool.send_request_headers(agent, &format!("m{n}"), &head(&format!("m{n}"), "/")).await.is_ok() }
    });
    let mut good = 0;
    for one in many {
        good += usize::from(one.await);
    }
    all &= says("200 more", good == 200, &good);
    pool.cancel_request(&agent, "7", CancelReason::Timeout).await?;
    #[cfg(feature = "zentinel")]
    if kind == "unix" {
        all &= unix_only(place).await?;
    }
    if all { Ok(()) } else { Err("not all as it should be".into()) }
}
