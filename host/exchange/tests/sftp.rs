//! A folder behind SFTP: a real OpenSSH server, and for what that checks only as root, a small server in
//! front of its `sftp-server`.
//!
//! `tests/sftp/up.sh` starts OpenSSH. Where it is not there, these tests say so and pass; with
//! `CROSSDOCK_SFTP=1` they fetch it, and fail when it does not start.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod disks;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossdock_exchange::{Address, Entry, Error, Exchange, Folder, Layout, Put, Sftp};
use disks::Dying;
use russh::server::{Auth, ChannelOpenHandle, Msg, Response, Server as _, Session};
use russh::{Channel, ChannelId, MethodKind, MethodSet};
use tokio::net::{TcpListener, TcpStream};

const LIMIT: u64 = 1 << 20;

/// A running OpenSSH; it ends with the test.
struct OpenSsh {
    child: Child,
    fields: HashMap<String, String>,
}

impl OpenSsh {
    /// None when this machine has none, and none is asked for.
    fn start() -> Option<Self> {
        let wanted = std::env::var_os("CROSSDOCK_SFTP").is_some_and(|wanted| wanted != "present");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sftp/up.sh");
        let mut command = Command::new(script);
        command.arg("--attached").stdin(Stdio::piped()).stdout(Stdio::piped());
        if !wanted {
            command.env("CROSSDOCK_SFTP", "present");
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            child.wait().unwrap();
            assert!(!wanted, "OpenSSH does not start");
            eprintln!("NOT TESTED: there is no OpenSSH server here; CROSSDOCK_SFTP=1 fetches one");
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

    fn disk(&self) -> Sftp {
        let key = self.key();
        sftp(self.address(self.field("port")), self.field("host-key"), &[&key])
    }

    async fn folder(&self) -> Exchange<Sftp> {
        let folder = Exchange::new(self.disk(), &Layout::default());
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

async fn only(folder: &Exchange<Sftp>) -> Entry {
    let entries = folder.list().await.unwrap().entries;
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries[0].clone()
}

#[tokio::test]
async fn files_come_in_and_go_out() {
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
    assert!(matches!(folder.archive(&entry).await, Err(Error::Gone { .. })));
    ssh.write("in/850.edi", "another");
    let entry = only(&folder).await;
    ssh.write("in/850.edi", "another and more");
    assert!(matches!(folder.read(&entry, LIMIT).await, Err(Error::Changed { .. })));
    assert!(matches!(folder.archive(&entry).await, Err(Error::Changed { .. })));
    let entry = only(&folder).await;
    folder.archive(&entry).await.unwrap();
    assert_eq!(ssh.names("archive/in").len(), 2);
    assert_eq!(ssh.text("archive/in/850.edi"), Some(large.clone()));

    assert_eq!(folder.put("855.edi", large.as_bytes()).await.unwrap(), Put::Now);
    assert_eq!(
        (ssh.names("out"), ssh.text("out/855.edi")),
        (vec!["855.edi".to_owned()], Some(large.clone()))
    );
    std::fs::remove_file(ssh.files().join("out/855.edi")).unwrap();
    assert_eq!(folder.put("855.edi", large.as_bytes()).await.unwrap(), Put::Before);
    assert!(ssh.names("out").is_empty());
    assert!(matches!(folder.put("855.edi", b"another").await, Err(Error::Taken { .. })));
    ssh.write("out/856.edi", "somebody else's");
    assert!(matches!(folder.put("856.edi", b"text").await, Err(Error::Exists { .. })));
}

#[tokio::test]
async fn a_kill_at_any_step_of_putting_gives_the_partner_one_file() {
    let Some(ssh) = OpenSsh::start() else { return };
    ssh.folder().await;
    for steps in 0.. {
        let name = format!("{steps}.edi");
        let disk = Dying::new(ssh.disk(), steps);
        let tried = Exchange::new(disk.clone(), &Layout::default()).put(&name, b"text").await;
        let mut got = 0;
        let mut take = || {
            if ssh.text(&format!("out/{name}")).is_some_and(|text| text == "text") {
                std::fs::remove_file(ssh.files().join("out").join(&name)).unwrap();
                got += 1;
            }
        };
        take();
        if disk.died() {
            ssh.folder().await.put(&name, b"text").await.unwrap();
        } else {
            tried.unwrap();
        }
        take();
        assert_eq!(got, 1, "killed at {steps}");
        assert!(ssh.names("out").is_empty());
        if !disk.died() {
            assert!(steps > 5);
            break;
        }
    }
}

#[tokio::test]
async fn a_server_that_was_not_pinned_is_told_nothing() {
    let Some(ssh) = OpenSsh::start() else { return };
    let asked = Arc::new(AtomicUsize::new(0));
    let secrets = {
        let asked = Arc::clone(&asked);
        Arc::new(move || {
            asked.fetch_add(1, Ordering::SeqCst);
            Vec::new()
        })
    };
    let address = ssh.address(ssh.field("port"));
    let other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned();
    let folder = Exchange::new(Sftp::new(address, vec![other], secrets), &Layout::default());
    let said = folder.list().await.unwrap_err().to_string();
    assert!(said.contains(ssh.field("host-key")), "{said}");
    assert_eq!(asked.load(Ordering::SeqCst), 0, "no secret was looked up");
}

#[tokio::test]
async fn the_second_of_two_live_keys_is_tried_and_a_wrong_one_is_said() {
    let Some(ssh) = OpenSsh::start() else { return };
    let address = || ssh.address(ssh.field("port"));
    let host_key = ssh.field("host-key");
    let wrong = std::fs::read_to_string(Path::new(ssh.field("key")).with_file_name("host_key")).unwrap();
    let folder = Exchange::new(sftp(address(), host_key, &[&wrong, &ssh.key()]), &Layout::default());
    folder.prepare().await.unwrap();
    for bad in [wrong.as_str(), "a password"] {
        let folder = Exchange::new(sftp(address(), host_key, &[bad]), &Layout::default());
        let error = folder.list().await.unwrap_err();
        assert!(matches!(error, Error::NotLetIn { .. }), "{error}");
    }
    let broken = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n";
    let folder = Exchange::new(sftp(address(), host_key, &[broken]), &Layout::default());
    let said = folder.list().await.unwrap_err().to_string();
    assert!(said.contains("no private key") && !said.contains("c2VjcmV0"), "{said}");
}

#[tokio::test]
async fn a_connection_that_broke_is_made_again() {
    let Some(ssh) = OpenSsh::start() else { return };
    ssh.folder().await;
    // A wire that can be cut.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let target = format!("127.0.0.1:{}", ssh.field("port"));
    let (cut, _) = tokio::sync::broadcast::channel::<()>(1);
    let wires = Arc::new(AtomicUsize::new(0));
    tokio::spawn({
        let (cut, wires) = (cut.clone(), Arc::clone(&wires));
        async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let (target, mut cut) = (target.clone(), cut.subscribe());
                wires.fetch_add(1, Ordering::SeqCst);
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
    let disk = sftp(ssh.address(&port), ssh.field("host-key"), &[&ssh.key()]);
    let folder = Exchange::new(disk, &Layout::default());
    ssh.write("in/a", "text");
    let entry = only(&folder).await;
    folder.read(&entry, LIMIT).await.unwrap();
    assert_eq!(wires.load(Ordering::SeqCst), 1, "one connection does for many requests");
    cut.send(()).unwrap();
    // The first one to notice fails; what comes after it does not.
    let mut tries = 0;
    while folder.archive(&entry).await.is_err() {
        tries += 1;
        assert!(tries < 5);
    }
    assert_eq!(wires.load(Ordering::SeqCst), 2);
    assert_eq!(ssh.names("archive/in"), ["a"]);
}

/// Checks a password, by itself or as the answer to a question, and hands the rest to `sftp-server`.
#[derive(Clone)]
struct Guard {
    asks: bool,
    sftp_server: String,
}

impl russh::server::Server for Guard {
    type Handler = Guarded;

    fn new_client(&mut self, _: Option<std::net::SocketAddr>) -> Guarded {
        Guarded { guard: self.clone(), channels: HashMap::new() }
    }
}

struct Guarded {
    guard: Guard,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

fn refused(asks: bool) -> Auth {
    let next = asks.then(|| MethodSet::from(&[MethodKind::KeyboardInteractive][..]));
    Auth::Reject { proceed_with_methods: next, partial_success: false }
}

impl russh::server::Handler for Guarded {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        let right = !self.guard.asks && user == "edi" && password == "right";
        Ok(if right { Auth::Accept } else { refused(self.guard.asks) })
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
        let right = response.next().is_some_and(|answer| answer.as_ref() == b"right");
        Ok(if right { Auth::Accept } else { refused(false) })
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
        let server = tokio::process::Command::new(&self.guard.sftp_server)
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
async fn a_password_opens_the_door_by_itself_or_as_an_answer() {
    let Some(ssh) = OpenSsh::start() else { return };
    let host_key = Path::new(ssh.field("key")).with_file_name("host_key");
    for asks in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = Arc::new(russh::server::Config {
            keys: vec![russh::keys::load_secret_key(&host_key, None).unwrap()],
            auth_rejection_time: std::time::Duration::ZERO,
            ..russh::server::Config::default()
        });
        let mut guard = Guard { asks, sftp_server: ssh.field("sftp-server").to_owned() };
        tokio::spawn(async move { guard.run_on_socket(config, &listener).await });
        let address: Address =
            format!("sftp://edi@127.0.0.1:{port}{}", dir.path().display()).parse().unwrap();
        let open = |secret: &str| {
            Exchange::new(sftp(address.clone(), ssh.field("host-key"), &[secret]), &Layout::default())
        };
        let error = open("wrong").prepare().await.unwrap_err();
        assert!(matches!(error, Error::NotLetIn { .. }), "{error}");
        let folder = open("right");
        folder.prepare().await.unwrap();
        assert_eq!(folder.put("a.edi", b"text").await.unwrap(), Put::Now);
        assert_eq!(std::fs::read(dir.path().join("out/a.edi")).unwrap(), b"text");
    }
}
