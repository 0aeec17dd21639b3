//! What a backend author uses: handlers from plain functions, progress, cancel, registration.
