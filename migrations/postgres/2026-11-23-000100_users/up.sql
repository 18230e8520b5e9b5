-- Users are known by the `sub` of their tokens; a row is made when one first changes something.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text,
    display_name text CONSTRAINT users_display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
