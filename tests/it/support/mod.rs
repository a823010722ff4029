//! A laboratory: a simulated SMP, its profile, a state folder, and the stages of the program run against it as the
//! command line runs them.

mod authority;
pub(crate) mod bucket;
mod cut;
mod desk;
#[cfg(feature = "postgres")]
mod postgres;
mod programs;
mod realm;
mod stages;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sitewright::manifest::{self, Source};
use sitewright::model::{ConsoleStep, Desired, Event, RunId, Step};
use sitewright::plan::Plan;
use sitewright::profile;
use sitewright::smp::Connection;
use sitewright_sim::{Access, ConsoleAction, Options, Server, World};

pub(crate) use authority::Authority;
pub(crate) use cut::Cut;
pub(crate) use desk::{Desk, Seat, signal};
#[cfg(feature = "postgres")]
pub(crate) use postgres::{Database, PASSWORD};
pub(crate) use programs::{Running, first_line, python, run, tool};
pub(crate) use realm::{Realm, skip};
pub(crate) use stages::{Console, Stages};

/// A simulated SMP and the stages over it.
pub(crate) struct Lab {
    pub(crate) server: Server,
    stages: Stages,
}

impl Deref for Lab {
    type Target = Stages;

    fn deref(&self) -> &Stages {
        &self.stages
    }
}

impl DerefMut for Lab {
    fn deref_mut(&mut self) -> &mut Stages {
        &mut self.stages
    }
}

/// The declarations of a folder below `examples`.
pub(crate) fn example(name: &str) -> Desired {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name);
    let sources = manifest::load(&[folder], std::io::empty()).unwrap();
    desired_of(&sources)
}

/// The declarations of a text.
pub(crate) fn desired(text: &str) -> Desired {
    desired_of(&[Source::new("test.yaml", text)])
}

fn desired_of(sources: &[Source]) -> Desired {
    let read = manifest::read(sources);
    assert!(
        read.diagnostics.is_empty(),
        "{}",
        manifest::render(&read.diagnostics, sources, false)
    );
    manifest::desired(&read.documents, None).unwrap()
}

impl Lab {
    pub(crate) fn start(options: Options) -> Self {
        Self::start_with(options, &Access::anonymous(), |_| {})
    }

    /// The same for those who have access; `sign_in` says how the client does.
    pub(crate) fn start_with(
        options: Options,
        access: &Access,
        sign_in: impl FnOnce(&mut Connection),
    ) -> Self {
        let world = World::open(options).unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let server = Server::start_with(world, listen, access).unwrap();
        let profile = profile::from_yaml("profile", &server.world().profile()).unwrap();
        let url = server.url().parse().unwrap();
        let mut connection = Connection::new(url, RunId("test".into()));
        sign_in(&mut connection);
        let stages = Stages::over(connection, profile);
        Self { server, stages }
    }

    pub(crate) fn world(&self) -> &World {
        self.server.world()
    }

    /// Does a console step as an administrator would, or gives somebody's word where nothing can be read.
    pub(crate) async fn console(&self, plan: &Plan, step: &Step) {
        self.close(plan, step, self.world()).await;
    }

    /// Plans, applies and does the open console steps until the plan is empty; gives how many rounds it took.
    pub(crate) async fn converge_watched(
        &self,
        desired: &Desired,
        emit: &mut (dyn FnMut(&Event) + Send),
    ) -> usize {
        self.settle(desired, self.world(), emit).await
    }

    /// The addresses of all managed computers.
    pub(crate) fn addresses(&self) -> BTreeSet<Ipv4Addr> {
        self.world()
            .clients()
            .into_iter()
            .flat_map(|client| client.addresses)
            .collect()
    }

    /// Addresses that nobody serves with packages, or nobody with tasks.
    pub(crate) fn stranded(&self, addresses: &BTreeSet<Ipv4Addr>) -> Vec<String> {
        addresses
            .iter()
            .filter_map(|address| {
                let served = self.world().served(*address);
                (served.package.servers.is_empty() || served.task.servers.is_empty())
                    .then(|| format!("{address}: {served:?}"))
            })
            .collect()
    }
}

impl Console for World {
    async fn perform(&self, step: &ConsoleStep) {
        let action = match step {
            ConsoleStep::InstallRole { server, role } => Some(ConsoleAction::InstallRole {
                server: server.name.to_string(),
                role: role.to_string(),
            }),
            ConsoleStep::InstallPlugIn { server, plug_in } => Some(ConsoleAction::PlugIn {
                server: server.name.to_string(),
                plug_in: plug_in.to_string(),
                state: "on".into(),
            }),
            ConsoleStep::Constrain { site, on } => Some(ConsoleAction::Constrain {
                site: site.name.to_string(),
                state: if *on { "on" } else { "off" }.into(),
            }),
            ConsoleStep::CaptureTarget { server } => Some(ConsoleAction::CaptureTarget {
                server: server.name.to_string(),
            }),
            ConsoleStep::InvalidSubnets { expression } => Some(ConsoleAction::InvalidSubnets {
                pattern: expression.clone(),
            }),
            ConsoleStep::ConfirmHolder { .. } => {
                self.tick(Duration::new(3600, 0));
                None
            }
        };
        if let Some(action) = action {
            self.console(action).unwrap();
        }
    }
}
