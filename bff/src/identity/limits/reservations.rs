//! Charges that may be given back: a request whose credential only the store knows is charged to its address before the
//! store is asked, and its address gets that back where somebody is signed in by it.
//!
//! So what is under way may exceed what is left for a moment: a crowd that is signed in and behind one address comes back
//! after a restart, when no replica has them in memory. Who finds the bucket empty waits for as long as others of the
//! address are under way whose charge may be given back, and is refused when none is.

use std::{collections::HashMap, pin::pin, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use super::{Charge, Limits, Principal};

/// How long a request waits at most. The store answers sooner, or not at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many of one address may wait. Who comes beside so many is refused at once.
const MAX_WAITING: usize = 1000;

/// Those of each address who wait or are under way.
#[derive(Debug, Default)]
pub(super) struct Reservations(Mutex<HashMap<Principal, UnderWay>>);

#[derive(Debug, Default)]
struct UnderWay {
    callers: usize,
    charged: usize,
    /// Something was given back, or nobody is under way any more.
    changed: Arc<Notify>,
}

/// A charge that is kept unless it is given back. It is under way until this is dropped.
#[derive(Debug)]
pub struct Reservation {
    limits: Limits,
    charge: Charge,
    /// How often it was charged.
    times: u32,
    place: Place,
}

/// One who waits or is under way.
#[derive(Debug)]
struct Place {
    all: Arc<Reservations>,
    principal: Principal,
    charged: bool,
}

impl Limits {
    /// Charges `principal` for now. Waits while the bucket is empty and others are under way whose charge may be given
    /// back, for at most 5 s.
    ///
    /// # Errors
    /// The refusal.
    pub async fn reserve(&self, principal: Principal) -> Result<Reservation, Charge> {
        let until = Instant::now() + PATIENCE;
        let (mut place, changed, waiting) = Place::take(&self.0.reservations, principal);
        loop {
            // Enabled before the look: what is given back from here on wakes it.
            let mut notified = pin!(changed.notified());
            notified.as_mut().enable();
            let (mut charge, mut others) = place.try_charge(|| self.0.buckets.charge(principal));
            if charge.allowed {
                charge = self.charge_shared(principal).await.unwrap_or(charge);
                if charge.allowed {
                    return Ok(Reservation { limits: self.clone(), charge, times: 1, place });
                }
                self.0.buckets.refund(principal);
                others = place.uncharge();
            }
            let now = Instant::now();
            if others == 0 || now >= until || waiting > MAX_WAITING {
                self.0.metrics.rate_limited(charge.tier.as_str());
                return Err(charge);
            }
            tokio::select! {
                () = notified => {}
                () = sleep(charge.more_after.min(until - now)) => {}
            }
        }
    }
}

impl Reservation {
    /// What the principal is told.
    #[must_use]
    pub fn charge(&self) -> &Charge {
        &self.charge
    }

    /// Charges once more, for the same request, without waiting: who holds a charge must not wait for others who do.
    ///
    /// # Errors
    /// The refusal.
    pub async fn charge_again(&mut self) -> Result<(), Charge> {
        let charge = self.limits.charge(self.place.principal).await;
        if !charge.allowed {
            return Err(charge);
        }
        (self.charge, self.times) = (charge, self.times + 1);
        Ok(())
    }

    /// Gives all of it back: whoever asks is charged otherwise.
    pub async fn give_back(self) {
        for _ in 0..self.times {
            self.limits.refund(self.place.principal).await;
            self.place.wake_one();
        }
    }
}

impl Place {
    /// A place, what tells of changes, and how many have one.
    fn take(all: &Arc<Reservations>, principal: Principal) -> (Self, Arc<Notify>, usize) {
        let mut map = all.0.lock();
        let under_way = map.entry(principal).or_default();
        under_way.callers += 1;
        let (changed, callers) = (Arc::clone(&under_way.changed), under_way.callers);
        drop(map);
        (Self { all: Arc::clone(all), principal, charged: false }, changed, callers)
    }

    /// Charges, and says how many others are under way. In one step: two who are refused must not wait for each other.
    fn try_charge(&mut self, charge: impl FnOnce() -> Charge) -> (Charge, usize) {
        let mut map = self.all.0.lock();
        let charge = charge();
        let Some(under_way) = map.get_mut(&self.principal) else { return (charge, 0) };
        if charge.allowed {
            under_way.charged += 1;
            self.charged = true;
        }
        (charge, under_way.charged)
    }

    /// It is not under way after all; how many others are.
    fn uncharge(&mut self) -> usize {
        let mut map = self.all.0.lock();
        let Some(under_way) = map.get_mut(&self.principal) else { return 0 };
        under_way.charged -= usize::from(std::mem::take(&mut self.charged));
        if under_way.charged == 0 {
            under_way.changed.notify_waiters();
        }
        under_way.charged
    }

    fn wake_one(&self) {
        if let Some(under_way) = self.all.0.lock().get(&self.principal) {
            under_way.changed.notify_one();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.charged {
            self.uncharge();
        }
        let mut map = self.all.0.lock();
        if let Some(under_way) = map.get_mut(&self.principal) {
            under_way.callers -= 1;
            if under_way.callers == 0 {
                map.remove(&self.principal);
            }
        }
    }
}
