# Fastly, VCL snippet, once of type "miss" and once of type "pass": the origin lets nobody else in. The secret stands in a
# private dictionary, so that it is in no configuration.

if (req.backend.is_origin) {
  set bereq.http.X-Origin-Secret = table.lookup(origin, "secret", "");
}
