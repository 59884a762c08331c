//! The gateway: how an app and its people meet it, who is refused, and how it is run.

mod attacks;
mod browser;
mod running;
mod snippets;
mod tokens;
mod watched;
mod way;
