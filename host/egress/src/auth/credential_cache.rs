//! Caches one credential, and obtains a new one once for all requests that need it at the same time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossdock_model::time::{Clock, Millis};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};

use crate::error::Error;

/// How long a refusal is returned before the credential is requested again: systems lock an account whose
/// wrong password is tried with each request.
const REFUSAL_LIFETIME: Duration = Duration::from_secs(5);

/// A cache of one credential. Cheap to clone.
pub(super) struct CredentialCache<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    current: Option<Arc<T>>,
    /// The credential before the current one, which a target may still reflect.
    previous: Option<Arc<T>>,
    refusal: Option<(Millis, Error)>,
    pending: Option<Pending<T>>,
}

/// A credential that is being obtained, with many waiting for it.
type Pending<T> = Shared<BoxFuture<'static, Result<Arc<T>, Error>>>;

impl<T> Clone for CredentialCache<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + Sync + 'static> CredentialCache<T> {
    pub(super) fn new() -> Self {
        let state = State { current: None, previous: None, refusal: None, pending: None };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current credential if it is usable, else the one that `obtain` returns.
    ///
    /// `obtain` runs to its end even when all callers have stopped waiting: what it has begun at the endpoint
    /// must be completed, and the next caller needs its result.
    pub(super) async fn get<F>(
        &self,
        clock: &Arc<dyn Clock>,
        is_usable: impl Fn(&Arc<T>) -> bool,
        obtain: impl FnOnce() -> F,
    ) -> Result<Arc<T>, Error>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let pending = {
            let mut state = self.state();
            if let Some(current) = state.current.as_ref().filter(|current| is_usable(current)) {
                return Ok(current.clone());
            }
            if let Some((since, error)) = &state.refusal
                && clock.now().since(*since) < REFUSAL_LIFETIME
            {
                return Err(error.clone());
            }
            match &state.pending {
                Some(pending) => pending.clone(),
                None => {
                    let pending = self.spawn(clock.clone(), obtain());
                    state.pending = Some(pending.clone());
                    pending
                }
            }
        };
        pending.await
    }

    fn spawn<F>(&self, clock: Arc<dyn Clock>, obtaining: F) -> Pending<T>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let cache = self.clone();
        let task = tokio::spawn(async move {
            let result = obtaining.await.map(Arc::new);
            let mut state = cache.state();
            state.pending = None;
            match &result {
                Ok(credential) => {
                    state.previous = state.current.replace(credential.clone());
                    state.refusal = None;
                }
                Err(error @ Error::Unauthorized { .. }) => {
                    state.refusal = Some((clock.now(), error.clone()));
                }
                Err(_) => {}
            }
            result
        });
        let cache = self.clone();
        let joined = async move {
            task.await.unwrap_or_else(|_| {
                cache.state().pending = None;
                let reason = "requesting them was aborted".to_owned();
                Err(Error::CredentialsUnavailable { reason })
            })
        };
        joined.boxed().shared()
    }

    /// The current credential and the one before it.
    pub(super) fn recent(&self) -> Vec<Arc<T>> {
        let state = self.state();
        state.current.iter().chain(&state.previous).cloned().collect()
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
    async fn concurrent_callers_share_one_credential() {
        let (cache, count) = (CredentialCache::new(), Arc::new(AtomicUsize::new(0)));
        let ask = || {
            let (cache, count) = (cache.clone(), count.clone());
            async move {
                let obtain = || async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Ok(count.fetch_add(1, Ordering::Relaxed))
                };
                cache.get(&clock(), |_| true, obtain).await.unwrap()
            }
        };
        let all = futures::future::join_all((0..50).map(|_| ask())).await;
        assert!(all.iter().all(|got| **got == 0));
        assert_eq!(count.load(Ordering::Relaxed), 1);
        // One that is no longer usable is replaced.
        let old = all[0].clone();
        let new = cache.get(&clock(), |one| !Arc::ptr_eq(one, &old), || async { Ok(1) }).await.unwrap();
        assert_eq!((*new, cache.recent().len()), (1, 2));
    }

    #[tokio::test]
    async fn obtaining_continues_when_the_caller_is_cancelled() {
        let cache = CredentialCache::new();
        let obtain = || async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(7)
        };
        let cancelled =
            tokio::time::timeout(Duration::from_millis(5), cache.get(&clock(), |_| true, obtain)).await;
        assert!(cancelled.is_err());
        tokio::time::sleep(Duration::from_millis(100)).await;
        let obtain = || async { Ok(8) };
        assert_eq!(*cache.get(&clock(), |_| true, obtain).await.unwrap(), 7);
    }

    fn has_a_bug() -> bool {
        true
    }

    #[tokio::test]
    async fn a_panic_while_obtaining_does_not_block_the_next_attempt() {
        let cache = CredentialCache::new();
        let obtain = || async { if has_a_bug() { panic!("a bug") } else { Ok(0) } };
        let panicked: Result<Arc<u8>, _> = cache.get(&clock(), |_| true, obtain).await;
        assert!(matches!(panicked, Err(Error::CredentialsUnavailable { .. })));
        assert_eq!(*cache.get(&clock(), |_| true, || async { Ok(1) }).await.unwrap(), 1);
    }
}
