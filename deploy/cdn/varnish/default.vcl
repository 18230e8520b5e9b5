# Varnish 7 in front of AIOS Marketplace. The tests of crates/aios-edge run this very file.
#
#   VARNISH_PURGE_SECRET=… varnishd -a :6081 -f /etc/varnish/default.vcl \
#       -p vcl_path=/etc/varnish:/usr/share/varnish/vcl -p http_gzip_support=off
#
# needs: the module xkey (package varnish-modules), site.vcl on vcl_path, and the parameter http_gzip_support=off. The server
# compresses better than Varnish would, and with the parameter on Varnish asks it for gzip alone.

vcl 4.1;

import std;
import xkey;

include "site.vcl";

sub vcl_recv {
    if (req.method == "PURGE") {
        call purge_by_key;
    }

    # Whether this is the second attempt is not for clients to say.
    if (req.restarts == 0) {
        unset req.http.Edge-Retry;
    }

    # What administers the server is nobody's business out here.
    if (req.url ~ "^/metrics([/?]|$)") {
        return (synth(404));
    }
    # How the server does is not for keeping.
    if (req.url ~ "^/(livez|readyz|health)([/?]|$)") {
        return (pass);
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    # What a signed-in caller gets may be another answer than everybody's.
    if (req.http.Authorization) {
        return (pass);
    }

    # The interface and the assets know no cookies; those of others must not split the cache.
    if (req.url ~ "^/(api|assets)/") {
        unset req.http.Cookie;
    }
    # Equal questions, one object.
    set req.url = std.querysort(req.url);
    call one_coding;

    # A server that is well has a moment to refresh what is stale while that is still served. One that fails has as long as
    # the object's own grace.
    if (req.restarts == 0 && std.healthy(req.backend_hint)) {
        call moment_of_grace;
    } else {
        set req.grace = 1w;
    }
}

# The server keeps one variant for each content-coding (Vary: Accept-Encoding); browsers write the same wish in many ways.
sub one_coding {
    # Codings that are refused (q=0) are as if they were not there.
    set req.http.Accept-Encoding = regsuball(req.http.Accept-Encoding, "(?i)(^|,)[^,;]*;\s*q=0(\.0*)?\s*(?=,|$)", "\1");
    if (req.http.Accept-Encoding ~ "(?i)(^|[,\s])br\s*(;|,|$)") {
        set req.http.Accept-Encoding = "br";
    } elsif (req.http.Accept-Encoding ~ "(?i)(^|[,\s])zstd\s*(;|,|$)") {
        set req.http.Accept-Encoding = "zstd";
    } elsif (req.http.Accept-Encoding ~ "(?i)(^|[,\s])(x-)?gzip\s*(;|,|$)") {
        set req.http.Accept-Encoding = "gzip";
    } else {
        unset req.http.Accept-Encoding;
    }
}

# PURGE with Xkey-Purge or Xkey-Softpurge: KEY KEY …, or Purge-Everything: 1. Only from allowed addresses, and only with the
# secret: what comes through a TLS proxy on this machine has this machine's address, too.
sub purge_by_key {
    if (client.ip !~ purgers || !std.getenv("VARNISH_PURGE_SECRET") || std.getenv("VARNISH_PURGE_SECRET") == ""
            || req.http.Purge-Secret != std.getenv("VARNISH_PURGE_SECRET")) {
        unset req.http.Purge-Secret;
        return (synth(403, "Purging is not allowed from here"));
    }
    unset req.http.Purge-Secret;
    if (req.http.Purge-Everything) {
        ban("obj.status != 0");
        return (synth(200, "Purged everything"));
    }
    if (req.http.Xkey-Purge) {
        return (synth(200, "Purged " + xkey.purge(req.http.Xkey-Purge) + " objects"));
    }
    if (req.http.Xkey-Softpurge) {
        return (synth(200, "Purged " + xkey.softpurge(req.http.Xkey-Softpurge) + " objects softly"));
    }
    return (synth(400, "Say what to purge: Xkey-Purge, Xkey-Softpurge or Purge-Everything"));
}

sub vcl_backend_fetch {
    # Keys are the server's to give.
    unset bereq.http.xkey;
}

sub vcl_backend_response {
    # A refresh in the background that fails leaves what is there. One in the foreground is given up as well at first:
    # vcl_synth looks for something older. At the second attempt the error is passed on as it is.
    if (beresp.status >= 500 && !bereq.uncacheable && (bereq.is_bgfetch || !bereq.http.Edge-Retry)) {
        return (abandon);
    }

    set beresp.http.xkey = beresp.http.Surrogate-Key;
    set beresp.do_gzip = false;
    set beresp.do_gunzip = false;

    # CDN-Cache-Control stands instead of Cache-Control here (RFC 9213). Varnish does not know it, so it is read by hand.
    if (beresp.http.CDN-Cache-Control) {
        set beresp.http.for-edge = beresp.http.CDN-Cache-Control;
        if (beresp.http.for-edge ~ "(?i)(^|[,\s])(s-maxage|max-age)\s*=\s*\d+") {
            set beresp.ttl = std.duration(
                regsub(beresp.http.for-edge, "(?i)^(?:.*[,\s])?max-age\s*=\s*(\d+).*$", "\1") + "s", 0s);
        } else {
            set beresp.ttl = 0s;
        }
    } else {
        set beresp.http.for-edge = beresp.http.Cache-Control;
        if (!beresp.http.Cache-Control) {
            # Nothing was said: nothing is guessed.
            set beresp.ttl = 0s;
        }
    }

    # How long a stale object may be served: the longer of stale-while-revalidate and stale-if-error (RFC 5861). vcl_recv
    # holds the first one down while the server is well.
    set beresp.grace = 0s;
    if (beresp.http.for-edge ~ "(?i)stale-while-revalidate\s*=\s*\d+") {
        set beresp.grace = std.duration(
            regsub(beresp.http.for-edge, "(?i)^.*stale-while-revalidate\s*=\s*(\d+).*$", "\1") + "s", 0s);
    }
    if (beresp.http.for-edge ~ "(?i)stale-if-error\s*=\s*\d+"
            && std.duration(regsub(beresp.http.for-edge, "(?i)^.*stale-if-error\s*=\s*(\d+).*$", "\1") + "s", 0s)
                > beresp.grace) {
        set beresp.grace = std.duration(
            regsub(beresp.http.for-edge, "(?i)^.*stale-if-error\s*=\s*(\d+).*$", "\1") + "s", 0s);
    }
    # Beyond that it is good for asking the server whether it has changed (If-None-Match).
    set beresp.keep = 10m;

    if (beresp.ttl <= 0s || beresp.status >= 500
            || beresp.http.for-edge ~ "(?i)(^|[,\s])(private|no-store|no-cache)"
            || beresp.http.Cache-Control ~ "(?i)(^|[,\s])private"
            || beresp.http.Set-Cookie
            || beresp.http.Vary ~ "\*"
            || (bereq.http.Authorization && beresp.http.for-edge !~ "(?i)(^|[,\s])public")) {
        # For a while requests for it go to the server side by side, instead of waiting for each other.
        set beresp.ttl = 10s;
        set beresp.grace = 0s;
        set beresp.uncacheable = true;
    }
    unset beresp.http.for-edge;
    return (deliver);
}

sub vcl_deliver {
    if (obj.hits > 0) {
        set resp.http.Edge-Status = "varnish; hit";
        # How long the server took for somebody else.
        unset resp.http.Server-Timing;
    } elsif (obj.uncacheable) {
        set resp.http.Edge-Status = "varnish; fwd=bypass";
    } else {
        set resp.http.Edge-Status = "varnish; fwd=miss; stored";
    }
    # One list, the server's entry first (RFC 9211).
    if (resp.http.Cache-Status) {
        set resp.http.Cache-Status = resp.http.Cache-Status + ", " + resp.http.Edge-Status;
    } else {
        set resp.http.Cache-Status = resp.http.Edge-Status;
    }
    unset resp.http.Edge-Status;

    # What is purged when it changes is as fresh as on the first day. With its true age a browser would take it for stale,
    # since max-age is meant for browsers alone and far shorter.
    if (resp.http.CDN-Cache-Control) {
        unset resp.http.Age;
    }
    unset resp.http.CDN-Cache-Control;
    unset resp.http.Surrogate-Key;
    unset resp.http.Cache-Tag;
    unset resp.http.xkey;
    unset resp.http.X-Varnish;
    return (deliver);
}

# The server can't be reached: as with a status that says so.
sub vcl_backend_error {
    if (!bereq.uncacheable && !bereq.http.Edge-Retry) {
        return (abandon);
    }
    set beresp.http.Content-Type = "application/problem+json";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "5";
    set beresp.body = """{"type":"about:blank","title":"Service Unavailable","status":503,"""
        + """"detail":"The service does not answer now; try again in a moment."}""";
    set beresp.ttl = 0s;
    return (deliver);
}

sub vcl_synth {
    # The fetch was given up: once more, for something older that may be served while the server fails.
    if (resp.status == 503 && req.restarts == 0 && (req.method == "GET" || req.method == "HEAD")) {
        set req.http.Edge-Retry = "1";
        return (restart);
    }
    set resp.http.Content-Type = "text/plain; charset=utf-8";
    set resp.http.Cache-Control = "no-store";
    set resp.body = resp.reason + {"
"};
    return (deliver);
}
