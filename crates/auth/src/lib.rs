//! Who is knocking and what may they do: tokens in, identities out.
