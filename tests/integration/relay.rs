//! A network between two services, which can be cut, stalled and led elsewhere.

use std::sync::{Arc, Mutex};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the network behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Leads to this address.
    To(String),
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
}

impl Relay {
    pub async fn start(way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let way = Arc::new(Mutex::new(way));
        let (changed, changes) = watch::channel(());
        let current = Arc::clone(&way);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
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
        Self { address, way, changed }
    }

    /// Changes the network's behaviour; connections that exist break.
    pub fn turn(&self, way: Way) {
        *self.way.lock().unwrap() = way;
        self.changed.send(()).unwrap();
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn carry(mut client: TcpStream, way: Way) {
    match way {
        Way::Cut => {}
        Way::Silent => std::future::pending().await,
        Way::To(address) => {
            if let Ok(mut server) = TcpStream::connect(address).await {
                server.set_nodelay(true).unwrap();
                client.set_nodelay(true).unwrap();
                _ = copy_bidirectional(&mut client, &mut server).await;
            }
        }
    }
}
