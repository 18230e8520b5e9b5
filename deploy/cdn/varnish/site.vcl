# What differs from one installation to the next. default.vcl includes it from the directories in Varnish's parameter vcl_path.

backend origin {
    .host = "127.0.0.1";
    .port = "8080";
    .connect_timeout = 2s;
    # A little longer than the server's REQUEST_TIMEOUT.
    .first_byte_timeout = 35s;
    .between_bytes_timeout = 10s;
    .probe = {
        .url = "/readyz";
        .interval = 2s;
        .timeout = 1s;
        .window = 3;
        .threshold = 2;
        .initial = 2;
    }
}

# From where purges may come: the servers of the marketplace.
acl purgers {
    "127.0.0.1";
    "::1";
}

# How long what is stale is served while a server that is well refreshes it.
sub moment_of_grace {
    set req.grace = 60s;
}
