//! Keeps one credential, and makes a new one once for all who want it at the same time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossdock_model::time::{Clock, Millis};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};

use crate::error::Error;

/// How long a refusal stands before the credential is asked for again: systems lock an account whose wrong
/// password is tried with each request.
const REFUSED: Duration = Duration::from_secs(5);

/// One credential. Cheap to clone.
pub(super) struct Keeper<T>(Arc<Mutex<Kept<T>>>);

struct Kept<T> {
    held: Option<Arc<T>>,
    /// The one before, which a target may still reflect.
    previous: Option<Arc<T>>,
    refusal: Option<(Millis, Error)>,
    making: Option<Making<T>>,
}

type Making<T> = Shared<BoxFuture<'static, Result<Arc<T>, Error>>>;

impl<T> Clone for Keeper<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + Sync + 'static> Keeper<T> {
    pub(super) fn new() -> Self {
        let kept = Kept { held: None, previous: None, refusal: None, making: None };
        Self(Arc::new(Mutex::new(kept)))
    }

    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The credential that is held if it is usable, else a new one.
    ///
    /// The making goes on when whoever asked for it no longer waits: what it has begun outside must come
    /// to its end, and the next one wants the result.
    pub(super) async fn get<F>(
        &self,
        clock: &Arc<dyn Clock>,
        usable: impl Fn(&Arc<T>) -> bool,
        make: impl FnOnce() -> F,
    ) -> Result<Arc<T>, Error>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let making = {
            let mut kept = self.kept();
            if let Some(held) = kept.held.as_ref().filter(|held| usable(held)) {
                return Ok(held.clone());
            }
            if let Some((since, error)) = &kept.refusal
                && clock.now().since(*since) < REFUSED
            {
                return Err(error.clone());
            }
            match &kept.making {
                Some(making) => making.clone(),
                None => {
                    let making = self.start(clock.clone(), make());
                    kept.making = Some(making.clone());
                    making
                }
            }
        };
        making.await
    }

    fn start<F>(&self, clock: Arc<dyn Clock>, made: F) -> Making<T>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let keeper = self.clone();
        let task = tokio::spawn(async move {
            let made = made.await.map(Arc::new);
            let mut kept = keeper.kept();
            kept.making = None;
            match &made {
                Ok(new) => {
                    kept.previous = kept.held.replace(new.clone());
                    kept.refusal = None;
                }
                Err(error @ Error::Unauthorized { .. }) => {
                    kept.refusal = Some((clock.now(), error.clone()));
                }
                Err(_) => {}
            }
            made
        });
        let keeper = self.clone();
        let ended = async move {
            task.await.unwrap_or_else(|_| {
                keeper.kept().making = None;
                let reason = "asking for it was broken off".to_owned();
                Err(Error::CredentialsUnavailable { reason })
            })
        };
        ended.boxed().shared()
    }

    /// The credential that is held and the one before it.
    pub(super) fn recent(&self) -> Vec<Arc<T>> {
        let kept = self.kept();
        kept.held.iter().chain(&kept.previous).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crossdock_model::time::SystemClock;

    use super::*;

    fn clock() -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }

    #[tokio::test]
    async fn many_who_ask_at_once_get_one() {
        let (keeper, made) = (Keeper::new(), Arc::new(AtomicUsize::new(0)));
        let ask = || {
            let (keeper, made) = (keeper.clone(), made.clone());
            async move {
                let make = || async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Ok(made.fetch_add(1, Ordering::Relaxed))
                };
                keeper.get(&clock(), |_| true, make).await.unwrap()
            }
        };
        let all = futures::future::join_all((0..50).map(|_| ask())).await;
        assert!(all.iter().all(|got| **got == 0));
        assert_eq!(made.load(Ordering::Relaxed), 1);
        // One that is no longer good is made anew, once.
        let old = all[0].clone();
        let again = keeper.get(&clock(), |held| !Arc::ptr_eq(held, &old), || async { Ok(1) }).await.unwrap();
        assert_eq!((*again, keeper.recent().len()), (1, 2));
    }

    #[tokio::test]
    async fn the_making_outlives_the_one_who_asked() {
        let keeper = Keeper::new();
        let make = || async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(7)
        };
        let hasty =
            tokio::time::timeout(Duration::from_millis(5), keeper.get(&clock(), |_| true, make)).await;
        assert!(hasty.is_err());
        tokio::time::sleep(Duration::from_millis(100)).await;
        let make = || async { Ok(8) };
        assert_eq!(*keeper.get(&clock(), |_| true, make).await.unwrap(), 7);
    }

    fn has_a_bug() -> bool {
        true
    }

    #[tokio::test]
    async fn a_making_that_dies_is_begun_again() {
        let keeper = Keeper::new();
        let make = || async { if has_a_bug() { panic!("a bug") } else { Ok(0) } };
        let died: Result<Arc<u8>, _> = keeper.get(&clock(), |_| true, make).await;
        assert!(matches!(died, Err(Error::CredentialsUnavailable { .. })));
        assert_eq!(*keeper.get(&clock(), |_| true, || async { Ok(1) }).await.unwrap(), 1);
    }
}
