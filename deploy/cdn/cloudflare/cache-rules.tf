# Cloudflare in front of AIOS Marketplace: what is cached, for Terraform with the provider cloudflare/cloudflare, version 4.
#
# Rules are tried in order, and each that matches changes the settings before it. The server says for how long
# (CDN-Cache-Control); nothing here guesses.

terraform {
  required_providers {
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 4.0"
    }
  }
}

variable "zone_id" {
  type = string
}

variable "hostname" {
  type        = string
  description = "The marketplace's name, such as agents.example.org."
}

variable "origin_secret" {
  type        = string
  sensitive   = true
  description = "What the origin's proxy demands in X-Origin-Secret; see docs/deployment/cdn-setup.md."
}

resource "cloudflare_ruleset" "cache" {
  zone_id = var.zone_id
  name    = "AIOS Marketplace: cache"
  kind    = "zone"
  phase   = "http_request_cache_settings"

  rules {
    description = "The interface and the assets: as the server says"
    expression  = "(http.host eq \"${var.hostname}\" and (starts_with(http.request.uri.path, \"/api/v1/\") or starts_with(http.request.uri.path, \"/assets/\")))"
    action      = "set_cache_settings"
    action_parameters {
      cache = true
      edge_ttl {
        # Without a word from the server nothing is kept.
        mode = "bypass_by_default"
      }
      browser_ttl {
        mode = "respect_origin"
      }
      serve_stale {
        disable_stale_while_updating = false
      }
      respect_strong_etags = true
    }
  }

  rules {
    description = "A signed-in caller is answered by the server"
    expression  = "(http.host eq \"${var.hostname}\" and any(http.request.headers.names[*] eq \"authorization\"))"
    action      = "set_cache_settings"
    action_parameters {
      cache = false
    }
  }
}

resource "cloudflare_ruleset" "to_origin" {
  zone_id = var.zone_id
  name    = "AIOS Marketplace: the origin knows us"
  kind    = "zone"
  phase   = "http_request_late_transform"

  rules {
    description = "The shared secret of the origin"
    expression  = "(http.host eq \"${var.hostname}\")"
    action      = "rewrite"
    action_parameters {
      headers {
        name      = "X-Origin-Secret"
        operation = "set"
        value     = var.origin_secret
      }
    }
  }
}

resource "cloudflare_ruleset" "to_client" {
  zone_id = var.zone_id
  name    = "AIOS Marketplace: what is for the edge alone"
  kind    = "zone"
  phase   = "http_response_headers_transform"

  rules {
    description = "Cache-Tag goes by itself; these do not"
    expression  = "(http.host eq \"${var.hostname}\")"
    action      = "rewrite"
    action_parameters {
      headers {
        name      = "Surrogate-Key"
        operation = "remove"
      }
      # max-age is meant for browsers from the moment they get it; with the age at the edge they would take it for stale.
      headers {
        name      = "Age"
        operation = "remove"
      }
    }
  }
}

resource "cloudflare_ruleset" "not_for_the_public" {
  zone_id = var.zone_id
  name    = "AIOS Marketplace: what administers the server"
  kind    = "zone"
  phase   = "http_request_firewall_custom"

  rules {
    description = "Metrics are read inside"
    expression  = "(http.host eq \"${var.hostname}\" and http.request.uri.path eq \"/metrics\")"
    action      = "block"
  }
}
