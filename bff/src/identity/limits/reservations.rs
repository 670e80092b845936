//! Those of each address who wait or are under way: see [`Reservation`](super::Reservation).

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Charge, Principal};

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

/// One who waits or is under way.
#[derive(Debug)]
pub(super) struct Place {
    all: Arc<Reservations>,
    pub(super) principal: Principal,
    charged: bool,
}

impl Place {
    /// A place, what tells of changes, and how many have one.
    pub(super) fn take(all: &Arc<Reservations>, principal: Principal) -> (Self, Arc<Notify>, usize) {
        let mut map = all.0.lock();
        let under_way = map.entry(principal).or_default();
        under_way.callers += 1;
        let (changed, callers) = (Arc::clone(&under_way.changed), under_way.callers);
        drop(map);
        (Self { all: Arc::clone(all), principal, charged: false }, changed, callers)
    }

    /// Charges, and says how many others are under way. In one step: two who are refused must not wait for each other.
    pub(super) fn try_charge(&mut self, charge: impl FnOnce() -> Charge) -> (Charge, usize) {
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
    pub(super) fn uncharge(&mut self) -> usize {
        let mut map = self.all.0.lock();
        let Some(under_way) = map.get_mut(&self.principal) else { return 0 };
        under_way.charged -= usize::from(std::mem::take(&mut self.charged));
        if under_way.charged == 0 {
            under_way.changed.notify_waiters();
        }
        under_way.charged
    }

    pub(super) fn wake_one(&self) {
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
