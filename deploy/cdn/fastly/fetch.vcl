# Fastly, VCL snippet of type "fetch".

# The server's codings are better than Fastly's, and each has an ETag of its own.
set beresp.gzip = false;
set beresp.brotli = false;

declare local var.said STRING;
set var.said = if(beresp.http.CDN-Cache-Control, beresp.http.CDN-Cache-Control, beresp.http.Cache-Control);

if (beresp.http.Cache-Control ~ "private" || var.said ~ "(private|no-store|no-cache)" || beresp.http.Set-Cookie) {
  return(pass);
}
# CDN-Cache-Control stands instead of Cache-Control here (RFC 9213).
if (beresp.http.CDN-Cache-Control) {
  set beresp.ttl = 0s;
  if (var.said ~ "(?:^|[,\s])max-age=(\d+)") {
    set beresp.ttl = std.atoi(re.group.1);
  }
  if (var.said ~ "stale-while-revalidate=(\d+)") {
    set beresp.stale_while_revalidate = std.atoi(re.group.1);
  }
  if (var.said ~ "stale-if-error=(\d+)") {
    set beresp.stale_if_error = std.atoi(re.group.1);
  }
}
# The server fails, and something older is here.
if (beresp.status >= 500 && beresp.status < 600 && stale.exists) {
  return(deliver_stale);
}
