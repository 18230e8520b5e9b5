# Fastly, VCL snippet of type "deliver". Surrogate-Key goes by itself unless Fastly-Debug asks for it.

if (!req.http.Fastly-FF) {
  # What is purged when it changes is as fresh as on the first day; max-age is meant for browsers from when they get it.
  if (resp.http.CDN-Cache-Control) {
    unset resp.http.Age;
  }
  unset resp.http.CDN-Cache-Control;
  unset resp.http.Cache-Tag;
  if (!req.http.Fastly-Debug) {
    unset resp.http.Surrogate-Key;
  }
  # How long the server took for somebody else.
  if (fastly_info.state ~ "^HIT") {
    unset resp.http.Server-Timing;
  }
}
