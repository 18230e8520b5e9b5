# Fastly, VCL snippet of type "recv".

# What administers the server is nobody's business out here.
if (req.url.path == "/metrics") {
  error 404;
}
if (req.url.path ~ "^/(livez|readyz|health)$") {
  return(pass);
}
# What a signed-in caller gets may be another answer than everybody's.
if (req.http.Authorization) {
  return(pass);
}
# Equal questions, one object.
set req.url = querystring.sort(req.url);
if (req.url.path ~ "^/(api|assets)/") {
  unset req.http.Cookie;
}
