//! A network between two services, which can be cut, stalled and led elsewhere.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What a slow network takes over a connection: less than a call may take.
const LATENCY: std::time::Duration = std::time::Duration::from_millis(300);

/// How the network behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Leads to this address.
    To(String),
    /// Leads to this address, and takes its time over every connection.
    Slowly(String),
    /// Breaks every connection.
    Cut,
    /// Takes what is sent, and answers nothing.
    Silent,
}

/// The network.
pub struct Relay {
    pub address: String,
    way: Arc<Mutex<Way>>,
    changed: watch::Sender<()>,
    connections: Arc<AtomicUsize>,
}

impl Relay {
    pub async fn start(way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let way = Arc::new(Mutex::new(way));
        let (changed, changes) = watch::channel(());
        let current = Arc::clone(&way);
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let way = current.lock().unwrap().clone();
                let mut changes = changes.clone();
                changes.mark_unchanged();
                tokio::spawn(async move {
                    // Whatever is under way when the network changes is lost.
                    tokio::select! {
                        () = carry(client, way) => {}
                        _ = changes.changed() => {}
                    }
                });
            }
        });
        Self { address, way, changed, connections }
    }

    /// Changes the network's behaviour; connections that exist break.
    pub fn turn(&self, way: Way) {
        *self.way.lock().unwrap() = way;
        self.changed.send(()).unwrap();
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn carry(mut client: TcpStream, way: Way) {
    match way {
        Way::Cut => {}
        Way::Silent => std::future::pending().await,
        Way::Slowly(address) => {
            tokio::time::sleep(LATENCY).await;
            Box::pin(carry(client, Way::To(address))).await;
        }
        Way::To(address) => {
            if let Ok(mut server) = TcpStream::connect(address).await {
                server.set_nodelay(true).unwrap();
                client.set_nodelay(true).unwrap();
                _ = copy_bidirectional(&mut client, &mut server).await;
            }
        }
    }
}
