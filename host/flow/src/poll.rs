//! Polls systems that send no requests: page after page behind a cursor that is stored with the events.

mod pages;
mod poller;

pub(crate) use pages::Pages;
pub(crate) use poller::Poller;
