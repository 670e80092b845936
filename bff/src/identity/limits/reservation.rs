//! Charges that may be given back: a request whose credential only the store knows is charged to its address before the
//! store is asked, and its address gets that back where somebody is signed in by it.
//!
//! So what is under way may exceed what is left for a moment: a crowd that is signed in and behind one address comes back
//! after a restart, when no replica has them in memory. Who finds the bucket empty waits for as long as others of the
//! address are under way whose charge may be given back, and is refused when none is.

use std::{pin::pin, time::Duration};

use tokio::time::{Instant, sleep};

use super::{Charge, Limits, Principal, reservations::Place};

/// How long a request waits at most. The store answers sooner, or not at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many of one address may wait. Who comes beside so many is refused at once.
const MAX_WAITING: usize = 1000;

/// A charge that is kept unless it is given back. It is under way until this is dropped.
#[derive(Debug)]
pub struct Reservation {
    limits: Limits,
    charge: Charge,
    /// How often it was charged.
    times: u32,
    place: Place,
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
