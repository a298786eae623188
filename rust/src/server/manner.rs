//! The manner of a trap: which addresses it takes mail for, and how it answers. It can be changed while sessions are open:
//! those go on as they began, new ones take the new manner.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

use crate::pure::dialogue::lives::{Life, Lives};
use crate::pure::dialogue::treatment::{Arm, Plan};
use crate::pure::dialogue::Settings;
use crate::pure::networks::Networks;

/// One address with where it stands in its life.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// The address, or `@domain`.
    pub address: String,
    /// Name of the state.
    pub state: String,
    /// When a ramp is over, microseconds since 1970.
    pub until: i64,
}

/// How a treated panel draws.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Treatment {
    /// Names of arms.
    pub arms: Vec<String>,
    /// For greylisting.
    pub retry_seconds: f64,
    /// For late greetings.
    pub greeting_seconds: f64,
}

/// What can be changed while the trap runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manner {
    /// Persona, written into every record.
    pub persona: String,
    /// Addresses accepted; none accepts any.
    pub addresses: Option<Vec<Listed>>,
    /// On a treated panel.
    pub treatment: Option<Treatment>,
    /// Whether mail for strangers is taken as an open relay would.
    pub relay_bait: bool,
    /// Networks of relays whose word on the client is taken.
    #[serde(default)]
    pub trusted: Vec<String>,
}

impl Manner {
    /// Put it into the settings of a listener. An unknown word is an error.
    pub fn apply(&self, settings: &mut Settings) -> Result<(), String> {
        let life = |l: &Listed| {
            let life = Life::named(&l.state, l.until).ok_or_else(|| format!("there is no state {}", l.state));
            Ok((l.address.clone(), life?))
        };
        let lives = match &self.addresses {
            Some(all) => Some(all.iter().map(life).collect::<Result<Lives, String>>()?),
            None => None,
        };
        let plan = match &self.treatment {
            Some(t) => Some(t.plan()?),
            None => None,
        };
        let trusted = Networks::parse(&self.trusted).map_err(|text| format!("{text} is no network"))?;
        settings.persona.clone_from(&self.persona);
        settings.addresses = lives;
        settings.treatment = plan;
        settings.bait = self.relay_bait;
        settings.trusted = trusted;
        Ok(())
    }
}

impl Treatment {
    fn plan(&self) -> Result<Plan, String> {
        let arm = |name: &String| Arm::named(name).ok_or_else(|| format!("there is no treatment {name}"));
        Ok(Plan {
            arms: self.arms.iter().map(arm).collect::<Result<_, _>>()?,
            retry: (self.retry_seconds * 1e6) as i64,
            delay: (self.greeting_seconds * 1e6) as i64,
        })
    }
}

/// The settings of a listener, replaced as a whole.
#[derive(Clone, Debug, Default)]
pub struct Current(Arc<Mutex<Arc<Settings>>>);

impl Current {
    /// Beginning with these.
    pub fn new(settings: Settings) -> Self {
        Current(Arc::new(Mutex::new(Arc::new(settings))))
    }

    /// Those of a session that begins now.
    pub fn get(&self) -> Arc<Settings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Take another manner from now on.
    pub fn change(&self, manner: &Manner) -> Result<(), String> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut settings = Settings::clone(&held);
        manner.apply(&mut settings)?;
        *held = Arc::new(settings);
        Ok(())
    }
}
