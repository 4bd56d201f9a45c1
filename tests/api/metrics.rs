//! /metrics

use drls::auth::Role;

use crate::support::Server;

#[tokio::test]
async fn counts_requests_by_route_never_by_path() {
    let server = Server::start().await;
    let token = server.token(Role::Viewer).await;
    for path in ["/api/health", "/api/health", "/api/config?odd=1", "/api/never/heard/of"] {
        server.get(path).bearer_auth(&token).send().await.unwrap();
    }
    let odd = "ODDITY".parse().unwrap();
    server.request(odd, "/api/health").bearer_auth(&token).send().await.unwrap();
    let page = server.get("/metrics").bearer_auth(&token).send().await.unwrap().text().await.unwrap();
    let has = |line: &str| assert!(page.lines().any(|one| one == line), "no {line} in\n{page}");
    has(r#"drls_http_requests_total{method="GET",route="/api/health",status="200"} 2"#);
    has(r#"drls_http_requests_total{method="GET",route="other",status="404"} 1"#);
    has(r#"drls_http_request_duration_seconds_count{method="GET",route="/api/health"} 2"#);
    assert!(!page.contains("never") && !page.contains("ODDITY"));
}
