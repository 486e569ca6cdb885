use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// Asks as a browser does, and returns all that is answered.
async fn ask(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    answer
}

fn get(port: u16, target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n")
}

#[tokio::test]
async fn a_return_with_the_right_state_brings_a_key_and_nothing_else_does() {
    let loopback = Loopback::open().await.unwrap();
    let (port, state) = (loopback.port, loopback.state.to_string());
    let waiting = tokio::spawn(loopback.brought(PATIENCE));
    let forged = "api_user=mallory&api_key=theirs";
    let right = get(port, &format!("/{state}?{forged}"));
    for (hostile, status) in [
        (get(port, &format!("/?{forged}")), "404"),
        (get(port, &format!("/0123456789abcdef?{forged}")), "404"),
        (get(port, &format!("/{state}x?{forged}")), "404"),
        (get(port, "/favicon.ico"), "404"),
        (get(port, &format!("/{state}")), "400"),
        (get(port, &format!("/{state}?api_user=ada")), "400"),
        (get(port, &format!("/{state}?api_user=&api_key=")), "400"),
        (get(port, &format!("/{state}?{forged}&api_key=two")), "400"),
        (
            get(port, &format!("/{state}?api_user=a%0ab&api_key=k")),
            "400",
        ),
        (right.replace("GET", "POST"), "405"),
        (
            right.replace("Host: localhost", "Host: evil.example"),
            "403",
        ),
        (
            right.replace("Host: ", "Host: evil.example\r\nHost: "),
            "403",
        ),
        (right.replace("Host", "Nothing"), "403"),
        (right.replace("HTTP/1.1", "HTTP/9"), "400"),
        (right.replace("GET /", "GET http://localhost/"), "400"),
        (format!("GET /{}", "x".repeat(HEAD_BYTES)), "400"),
    ] {
        let answer = ask(port, &hostile).await;
        let start = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&start), "{hostile}\n{answer}");
        assert!(
            !answer.contains(&state),
            "the state is given away: {answer}"
        );
    }
    let back = get(
        port,
        &format!("/{state}?api_user=ada%40studio&api_key=k%2B1"),
    );
    let answer = ask(port, &back).await;
    assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
    let last = ask(port, &get(port, &format!("/{state}/done"))).await;
    assert!(last.starts_with("HTTP/1.1 200 "), "{last}");
    let brought = waiting.await.unwrap().unwrap();
    assert_eq!(brought.user, "ada@studio");
    assert!(brought.key == SecretText("k+1".into()));
}

#[tokio::test]
async fn a_page_that_was_closed_ends_the_waiting_and_frees_the_port() {
    let loopback = Loopback::open().await.unwrap();
    let port = loopback.port;
    let failure = loopback.brought(Duration::from_millis(50)).await;
    assert_eq!(failure.err().unwrap().kind, FailureKind::TimedOut);
    let late = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
    assert!(late.is_err(), "somebody still listens");
}

#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_out_for_ever() {
    let loopback = Loopback::open().await.unwrap();
    let (port, state) = (loopback.port, loopback.state.to_string());
    let waiting = tokio::spawn(loopback.brought(PATIENCE));
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS / 2 {
        silent.push(
            TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                .await
                .unwrap(),
        );
    }
    let back = get(port, &format!("/{state}?api_user=ada&api_key=k"));
    assert!(ask(port, &back).await.starts_with("HTTP/1.1 303 "));
    ask(port, &get(port, &format!("/{state}/done"))).await;
    assert_eq!(waiting.await.unwrap().unwrap().user, "ada");
}

#[tokio::test]
async fn the_page_is_the_one_that_connect_opens() {
    let loopback = Loopback::open().await.unwrap();
    let server = ServerUrl::parse("studio").unwrap();
    let page = loopback.page(&server, "callboard-ada@box");
    let expected = format!(
        "https://studio.ftrackapp.com/user/api_credentials?identifier=callboard-ada%40box&redirect_url=http%3A%2F%2Flocalhost%3A{}%2F{}",
        loopback.port, loopback.state
    );
    assert_eq!(page, expected);
}
