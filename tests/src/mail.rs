//! A real mail server on loopback, and the mail that has come to it.

use std::path::Path;

use serde_json::Value;
use tokio::process::Command;

use crate::{Program, eventually, leak_canaries, soon};

/// A running mail server. It is killed when this is dropped.
#[derive(Debug)]
pub struct MailServer {
    python: String,
    port: u16,
    program: Option<Program>,
    /// What it said in its earlier lives.
    earlier: String,
}

/// A mail that came.
#[derive(Debug, Clone)]
pub struct Received(Value);

impl MailServer {
    /// A server that is run by `python`, which has aiosmtpd.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(python: &str) -> Self {
        let mut server = Self { python: python.to_owned(), port: 0, program: None, earlier: String::new() };
        server.restart().await;
        server
    }

    /// Its URL, as the profile service takes it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// `kill -9`: whoever wants to mail is refused from now on.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn kill(&mut self) {
        let program = self.program.take().expect("the mail server runs");
        let output = program.output().clone();
        program.kill().await;
        self.earlier += &output.whole();
    }

    /// Starts it, on the port that it had.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("upstreams/mail_server.py");
        let mut command = Command::new(&self.python);
        command.arg(script).arg(self.port.to_string());
        let mut program = Program::start(command);
        let line = soon("the mail server", program.line("mail server listening on ")).await;
        let port = line.rsplit(' ').next().and_then(|port| port.parse().ok());
        self.port = port.expect("its port");
        self.program = Some(program);
    }

    /// Everything that has come, the oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        let running = self.program.as_ref().map(|program| program.output().whole()).unwrap_or_default();
        let lines = self.earlier.lines().chain(running.lines());
        let mails = lines.filter_map(|line| line.strip_prefix("mail "));
        mails.filter_map(|line| serde_json::from_str(line).ok()).map(Received).collect()
    }

    /// What has come to that address, the oldest first.
    #[must_use]
    pub fn to(&self, address: &str) -> Vec<Received> {
        self.received().into_iter().filter(|mail| mail.to() == [address]).collect()
    }

    /// Waits until `count` mails with `part` in their subject have come to that address; the last of them.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn mail(&self, address: &str, part: &str, count: usize) -> Received {
        eventually(&format!("mail {count} to {address} about {part}"), || async {
            let mails = self.to(address).into_iter().filter(|mail| mail.subject().contains(part));
            mails.collect::<Vec<_>>().get(count - 1).cloned()
        })
        .await
    }
}

impl Received {
    fn to(&self) -> Vec<&str> {
        self.0["to"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The values of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Vec<&str> {
        let headers = self.0["headers"].as_array().into_iter().flatten();
        let of_name =
            headers.filter(|header| header[0].as_str().is_some_and(|is| is.eq_ignore_ascii_case(name)));
        of_name.filter_map(|header| header[1].as_str()).collect()
    }

    /// # Panics
    /// When there is not one.
    #[must_use]
    pub fn subject(&self) -> &str {
        let [subject] = self.header("Subject")[..] else { panic!("one subject: {self:?}") };
        subject
    }

    #[must_use]
    pub fn text(&self) -> &str {
        self.0["text"].as_str().unwrap_or_default()
    }

    /// The token in its link.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn token(&self) -> String {
        let token = self.text().split("#token=").nth(1).and_then(|rest| rest.split_whitespace().next());
        let token = token.expect("a link with a token").to_owned();
        leak_canaries::plant(leak_canaries::Secret::LinkToken, &token);
        token
    }
}
