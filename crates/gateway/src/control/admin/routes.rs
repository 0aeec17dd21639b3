//! Which paths there are, what may be asked at each, and who answers. It refuses to know what they mean.

use super::answer::{Answer, Refused, method_not_allowed};
use super::asked::Asked;
use super::{
    Admin, backends, connections, drain, health, log_level, pod, prometheus, revoke, sessions, settings, tail,
};
use futures_util::future::BoxFuture;
use hyper::{Method, StatusCode};
use std::sync::Arc;

type Answered = Result<Answer, Refused>;

/// Who answers.
pub(super) type Handler = fn(Arc<Admin>, Asked) -> BoxFuture<'static, Answered>;

/// What whoever asks has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nobody in particular: a probe.
    Nothing,
    /// A scraper.
    Scrape,
    /// An operator who looks.
    Read,
    /// An operator who changes something.
    Operate,
}

/// A path, in which `{id}` stands for one part of its own, and what may be asked at it.
struct Route {
    path: &'static str,
    methods: &'static [(Method, Needs, Handler)],
}

/// A path that was found, and the part of it that `{id}` stands for.
pub(super) struct Found {
    methods: &'static [(Method, Needs, Handler)],
    pub(super) id: String,
}

use Needs::{Nothing, Operate, Read, Scrape};

static ROUTES: &[Route] = &[
    Route {
        path: "/metrics",
        methods: &[(Method::GET, Scrape, |admin, asked| {
            Box::pin(async move { Ok(prometheus::text(&admin, &asked.headers).await) })
        })],
    },
    Route {
        path: "/health/live",
        methods: &[(Method::GET, Nothing, |_, _| Box::pin(async { Ok(health::live()) }))],
    },
    Route {
        path: "/health/ready",
        methods: &[(Method::GET, Nothing, |admin, _| Box::pin(async move { Ok(health::ready(&admin)) }))],
    },
    Route {
        path: "/health/drain",
        methods: &[(Method::POST, Operate, |admin, asked| {
            Box::pin(async move { Ok(drain::begin(&admin, &asked)) })
        })],
    },
    Route {
        path: "/admin/v1/pod",
        methods: &[(Method::GET, Read, |admin, _| Box::pin(async move { Ok(pod::show(&admin)) }))],
    },
    Route {
        path: "/admin/v1/connections",
        methods: &[(Method::GET, Read, |admin, asked| {
            Box::pin(async move { connections::list(&admin, &asked).await })
        })],
    },
    Route {
        path: "/admin/v1/connections/{id}",
        methods: &[(Method::DELETE, Operate, |admin, asked| {
            Box::pin(async move { connections::close(&admin, &asked).await })
        })],
    },
    Route {
        path: "/admin/v1/sessions",
        methods: &[(Method::GET, Read, |admin, asked| {
            Box::pin(async move { sessions::list(&admin, &asked).await })
        })],
    },
    Route {
        path: "/admin/v1/sessions/{id}",
        methods: &[
            (Method::GET, Read, |admin, asked| Box::pin(async move { sessions::show(&admin, &asked).await })),
            (Method::DELETE, Operate, |admin, asked| {
                Box::pin(async move { sessions::end(&admin, &asked).await })
            }),
        ],
    },
    Route {
        path: "/admin/v1/sessions/{id}/tail",
        methods: &[(Method::GET, Operate, |admin, asked| Box::pin(tail::begin(admin, asked)))],
    },
    Route {
        path: "/admin/v1/backends",
        methods: &[(Method::GET, Read, |admin, asked| {
            Box::pin(async move { backends::list(&admin, &asked).await })
        })],
    },
    Route {
        path: "/admin/v1/drain",
        methods: &[
            (Method::GET, Read, |admin, _| Box::pin(async move { Ok(drain::show(&admin)) })),
            (Method::POST, Operate, |admin, asked| {
                Box::pin(async move { Ok(drain::begin_told(&admin, &asked)) })
            }),
        ],
    },
    Route {
        path: "/admin/v1/revoke",
        methods: &[(Method::POST, Operate, |admin, asked| {
            Box::pin(async move { revoke::revoke(&admin, asked).await })
        })],
    },
    Route {
        path: "/admin/v1/config",
        methods: &[(Method::GET, Read, |admin, _| Box::pin(async move { settings::show(&admin).await }))],
    },
    Route {
        path: "/admin/v1/reload",
        methods: &[(Method::POST, Operate, |admin, asked| {
            Box::pin(async move { settings::reload(&admin, asked).await })
        })],
    },
    Route {
        path: "/admin/v1/log-level",
        methods: &[
            (Method::GET, Read, |admin, _| Box::pin(async move { log_level::show(&admin).await })),
            (Method::PUT, Operate, |admin, asked| {
                Box::pin(async move { log_level::set(&admin, asked).await })
            }),
        ],
    },
];

/// What stands at this path.
///
/// # Errors
/// 404, with what there is.
pub(super) fn find(path: &str) -> Result<Found, Refused> {
    let found = ROUTES.iter().find_map(|route| {
        let id = id_in(path, route.path)?;
        Some(Found { methods: route.methods, id: id.to_owned() })
    });
    found.ok_or_else(|| {
        let paths = ROUTES.iter().map(|route| route.path).collect::<Vec<_>>().join(", ");
        Refused::new(StatusCode::NOT_FOUND, format!("nothing is here; there are {paths}"))
    })
}

impl Found {
    /// Who answers this method, and what that needs; HEAD is a GET whose body is left out.
    ///
    /// # Errors
    /// The answer that says what may be asked.
    pub(super) fn handler(&self, method: &Method) -> Result<(Needs, Handler), Box<Answer>> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let found = self.methods.iter().find(|(allowed, ..)| allowed == method);
        let found = found.map(|(_, needs, handler)| (*needs, *handler));
        let allowed = || self.methods.iter().map(|(allowed, ..)| allowed).collect::<Vec<_>>();
        found.ok_or_else(|| Box::new(method_not_allowed(&allowed())))
    }
}

/// What stands for `{id}` if the path is of this form; empty where the form has none.
fn id_in<'a>(path: &'a str, form: &str) -> Option<&'a str> {
    let Some((before, behind)) = form.split_once("{id}") else { return (path == form).then_some("") };
    let id = path.strip_prefix(before)?.strip_suffix(behind)?;
    (!id.is_empty() && !id.contains('/')).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::id_in;

    #[test]
    fn an_id_is_one_part_of_a_path() {
        let (list, one, below) = ("/a", "/a/{id}", "/a/{id}/b");
        for (path, form, expected) in [
            ("/a", list, Some("")),
            ("/a/", list, None),
            ("/a/1", one, Some("1")),
            ("/a/", one, None),
            ("/a/1/b", one, None),
            ("/a/1/b", below, Some("1")),
            ("/a/1/2/b", below, None),
            ("/a/b", below, None),
        ] {
            assert_eq!(id_in(path, form), expected, "{path} as {form}");
        }
    }
}
