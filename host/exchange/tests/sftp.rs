//! A folder behind SFTP: a real OpenSSH server, and for passwords, which OpenSSH checks only as root, a small
//! server in front of its `sftp-server`.
//!
//! `tests/sftp/up.sh` starts OpenSSH. Where it is not installed, these tests print that and pass; with
//! `CROSSDOCK_SFTP=1` they fetch it, and fail if it does not start.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod file_systems;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossdock_exchange::{Address, Entry, Error, ExchangeFolder, Folder, Layout, Put, Sftp};
use file_systems::FaultyFs;
use russh::server::{Auth, ChannelOpenHandle, Msg, Response, Server as _, Session};
use russh::{Channel, ChannelId, MethodKind, MethodSet};
use tokio::net::{TcpListener, TcpStream};

const LIMIT: u64 = 1 << 20;

/// A running OpenSSH server; it ends with the test.
struct OpenSsh {
    child: Child,
    fields: HashMap<String, String>,
}

impl OpenSsh {
    /// None when this machine has none, and it is not required.
    fn start() -> Option<Self> {
        let required = std::env::var_os("CROSSDOCK_SFTP").is_some_and(|value| value != "present");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sftp/up.sh");
        let mut command = Command::new(script);
        command.arg("--attached").stdin(Stdio::piped()).stdout(Stdio::piped());
        if !required {
            command.env("CROSSDOCK_SFTP", "present");
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            child.wait().unwrap();
            assert!(!required, "OpenSSH does not start");
            eprintln!("NOT TESTED: no OpenSSH server is installed; CROSSDOCK_SFTP=1 fetches one");
            return None;
        }
        let line = line.trim().trim_start_matches('{').trim_end_matches('}');
        let fields = line.split(", ").filter_map(|field| field.split_once(": "));
        let plain = |text: &str| text.trim_matches('"').to_owned();
        Some(Self { child, fields: fields.map(|(name, value)| (plain(name), plain(value))).collect() })
    }

    fn field(&self, name: &str) -> &str {
        &self.fields[name]
    }

    fn files(&self) -> PathBuf {
        self.field("directory").into()
    }

    fn key(&self) -> String {
        std::fs::read_to_string(self.field("key")).unwrap()
    }

    fn address(&self, port: &str) -> Address {
        format!("sftp://{}@127.0.0.1:{port}{}", self.field("user"), self.field("directory")).parse().unwrap()
    }

    fn file_system(&self) -> Sftp {
        let key = self.key();
        sftp(self.address(self.field("port")), self.field("host-key"), &[&key])
    }

    async fn folder(&self) -> ExchangeFolder<Sftp> {
        let folder = ExchangeFolder::new(self.file_system(), &Layout::default());
        folder.prepare().await.unwrap();
        folder
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.files().join(path), text).unwrap();
    }

    fn text(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.files().join(path)).ok()
    }

    fn names(&self, dir: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.files().join(dir)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for OpenSsh {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn sftp(address: Address, host_key: &str, secrets: &[&str]) -> Sftp {
    let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    Sftp::new(address, vec![host_key.to_owned()], Arc::new(move || secrets.clone()))
}

async fn only(folder: &ExchangeFolder<Sftp>) -> Entry {
    let entries = folder.list().await.unwrap().entries;
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries[0].clone()
}

#[tokio::test]
async fn files_are_read_archived_and_written() {
    let Some(ssh) = OpenSsh::start() else { return };
    let folder = ssh.folder().await;
    folder.prepare().await.unwrap();
    let large = "x".repeat(300_000);
    for (name, text) in [("850.edi", large.as_str()), (".hidden", ""), ("a.tmp", ""), ("b.filepart", "")] {
        ssh.write(&format!("in/{name}"), text);
    }
    std::fs::create_dir(ssh.files().join("in/folder")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", ssh.files().join("in/link")).unwrap();
    let entry = only(&folder).await;
    assert_eq!((entry.name.as_str(), entry.stat.size), ("850.edi", 300_000));
    assert!(matches!(folder.read(&entry, 1000).await, Err(Error::TooLarge { .. })));
    assert_eq!(folder.read(&entry, LIMIT).await.unwrap(), large.as_bytes());
    folder.archive(&entry).await.unwrap();
    assert!(matches!(folder.archive(&entry).await, Err(Error::NotFound { .. })));
    ssh.write("in/850.edi", "another");
    let entry = only(&folder).await;
    ssh.write("in/850.edi", "another and more");
    assert!(matches!(folder.read(&entry, LIMIT).await, Err(Error::Changed { .. })));
    assert!(matches!(folder.archive(&entry).await, Err(Error::Changed { .. })));
    let entry = only(&folder).await;
    folder.archive(&entry).await.unwrap();
    assert_eq!(ssh.names("archive/in").len(), 2);
    assert_eq!(ssh.text("archive/in/850.edi"), Some(large.clone()));

    assert_eq!(folder.put("855.edi", large.as_bytes()).await.unwrap(), Put::Written);
    assert_eq!(
        (ssh.names("out"), ssh.text("out/855.edi")),
        (vec!["855.edi".to_owned()], Some(large.clone()))
    );
    std::fs::remove_file(ssh.files().join("out/855.edi")).unwrap();
    assert_eq!(folder.put("855.edi", large.as_bytes()).await.unwrap(), Put::AlreadyWritten);
    assert!(ssh.names("out").is_empty());
    assert!(matches!(folder.put("855.edi", b"another").await, Err(Error::NameReused { .. })));
    ssh.write("out/856.edi", "somebody else's");
    assert!(matches!(folder.put("856.edi", b"text").await, Err(Error::Exists { .. })));
}

#[tokio::test]
async fn a_kill_at_any_step_of_writing_gives_the_partner_one_file() {
    let Some(ssh) = OpenSsh::start() else { return };
    ssh.folder().await;
    for steps in 0.. {
        let name = format!("{steps}.edi");
        let files = FaultyFs::new(ssh.file_system(), steps);
        let result = ExchangeFolder::new(files.clone(), &Layout::default()).put(&name, b"text").await;
        let mut received = 0;
        let mut take = || {
            if ssh.text(&format!("out/{name}")).is_some_and(|text| text == "text") {
                std::fs::remove_file(ssh.files().join("out").join(&name)).unwrap();
                received += 1;
            }
        };
        take();
        if files.killed() {
            ssh.folder().await.put(&name, b"text").await.unwrap();
        } else {
            result.unwrap();
        }
        take();
        assert_eq!(received, 1, "killed at {steps}");
        assert!(ssh.names("out").is_empty());
        if !files.killed() {
            assert!(steps > 5);
            break;
        }
    }
}

#[tokio::test]
async fn a_server_with_another_host_key_gets_no_secret() {
    let Some(ssh) = OpenSsh::start() else { return };
    let calls = Arc::new(AtomicUsize::new(0));
    let secrets = {
        let calls = Arc::clone(&calls);
        Arc::new(move || {
            calls.fetch_add(1, Ordering::SeqCst);
            Vec::new()
        })
    };
    let address = ssh.address(ssh.field("port"));
    let other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned();
    let folder = ExchangeFolder::new(Sftp::new(address, vec![other], secrets), &Layout::default());
    let error = folder.list().await.unwrap_err().to_string();
    assert!(error.contains(ssh.field("host-key")), "{error}");
    assert_eq!(calls.load(Ordering::SeqCst), 0, "a secret was read");
}

#[tokio::test]
async fn every_current_secret_is_tried_and_a_wrong_one_is_reported() {
    let Some(ssh) = OpenSsh::start() else { return };
    let address = || ssh.address(ssh.field("port"));
    let host_key = ssh.field("host-key");
    let wrong = std::fs::read_to_string(Path::new(ssh.field("key")).with_file_name("host_key")).unwrap();
    let folder = ExchangeFolder::new(sftp(address(), host_key, &[&wrong, &ssh.key()]), &Layout::default());
    folder.prepare().await.unwrap();
    for bad in [wrong.as_str(), "a password"] {
        let folder = ExchangeFolder::new(sftp(address(), host_key, &[bad]), &Layout::default());
        let error = folder.list().await.unwrap_err();
        assert!(matches!(error, Error::Login { .. }), "{error}");
    }
    let broken = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n";
    let folder = ExchangeFolder::new(sftp(address(), host_key, &[broken]), &Layout::default());
    let error = folder.list().await.unwrap_err().to_string();
    assert!(error.contains("not a usable private key") && !error.contains("c2VjcmV0"), "{error}");
}

#[tokio::test]
async fn a_broken_connection_is_replaced() {
    let Some(ssh) = OpenSsh::start() else { return };
    ssh.folder().await;
    // A proxy whose connections can be cut.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let target = format!("127.0.0.1:{}", ssh.field("port"));
    let (cut, _) = tokio::sync::broadcast::channel::<()>(1);
    let connections = Arc::new(AtomicUsize::new(0));
    tokio::spawn({
        let (cut, connections) = (cut.clone(), Arc::clone(&connections));
        async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let (target, mut cut) = (target.clone(), cut.subscribe());
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.recv() => {}
                    }
                });
            }
        }
    });
    let files = sftp(ssh.address(&port), ssh.field("host-key"), &[&ssh.key()]);
    let folder = ExchangeFolder::new(files, &Layout::default());
    ssh.write("in/a", "text");
    let entry = only(&folder).await;
    folder.read(&entry, LIMIT).await.unwrap();
    assert_eq!(connections.load(Ordering::SeqCst), 1, "one connection serves many requests");
    cut.send(()).unwrap();
    // The operation on the broken connection fails; the next one succeeds.
    let mut tries = 0;
    while folder.archive(&entry).await.is_err() {
        tries += 1;
        assert!(tries < 5);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 2);
    assert_eq!(ssh.names("archive/in"), ["a"]);
}

/// Checks a password, directly or keyboard-interactively, and passes the session on to `sftp-server`.
#[derive(Clone)]
struct PasswordServer {
    is_interactive: bool,
    sftp_server: String,
}

impl russh::server::Server for PasswordServer {
    type Handler = PasswordSession;

    fn new_client(&mut self, _: Option<std::net::SocketAddr>) -> PasswordSession {
        PasswordSession { server: self.clone(), channels: HashMap::new() }
    }
}

struct PasswordSession {
    server: PasswordServer,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

fn refused(is_interactive: bool) -> Auth {
    let next = is_interactive.then(|| MethodSet::from(&[MethodKind::KeyboardInteractive][..]));
    Auth::Reject { proceed_with_methods: next, partial_success: false }
}

impl russh::server::Handler for PasswordSession {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        let is_right = !self.server.is_interactive && user == "edi" && password == "right";
        Ok(if is_right { Auth::Accept } else { refused(self.server.is_interactive) })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(mut response) = response else {
            return Ok(Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed(""),
                prompts: Cow::Owned(vec![(Cow::Borrowed("Password: "), false)]),
            });
        };
        let is_right = response.next().is_some_and(|answer| answer.as_ref() == b"right");
        Ok(if is_right { Auth::Accept } else { refused(false) })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        let mut stream = self.channels.remove(&channel).unwrap().into_stream();
        let server = tokio::process::Command::new(&self.server.sftp_server)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        tokio::spawn(async move {
            let mut server = server;
            let mut pipe = tokio::io::join(server.stdout.take().unwrap(), server.stdin.take().unwrap());
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut pipe).await;
        });
        Ok(())
    }
}

#[tokio::test]
async fn a_password_is_accepted_directly_and_keyboard_interactively() {
    let Some(ssh) = OpenSsh::start() else { return };
    let host_key = Path::new(ssh.field("key")).with_file_name("host_key");
    for is_interactive in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = Arc::new(russh::server::Config {
            keys: vec![russh::keys::load_secret_key(&host_key, None).unwrap()],
            auth_rejection_time: std::time::Duration::ZERO,
            ..russh::server::Config::default()
        });
        let mut server = PasswordServer { is_interactive, sftp_server: ssh.field("sftp-server").to_owned() };
        tokio::spawn(async move { server.run_on_socket(config, &listener).await });
        let address: Address =
            format!("sftp://edi@127.0.0.1:{port}{}", dir.path().display()).parse().unwrap();
        let open = |secret: &str| {
            ExchangeFolder::new(sftp(address.clone(), ssh.field("host-key"), &[secret]), &Layout::default())
        };
        let error = open("wrong").prepare().await.unwrap_err();
        assert!(matches!(error, Error::Login { .. }), "{error}");
        let folder = open("right");
        folder.prepare().await.unwrap();
        assert_eq!(folder.put("a.edi", b"text").await.unwrap(), Put::Written);
        assert_eq!(std::fs::read(dir.path().join("out/a.edi")).unwrap(), b"text");
    }
}
