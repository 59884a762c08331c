// What an app in Go signs hand-off tokens with: docs/guides/gateway.md.
module portalctl.dev/handoff

go 1.25.0

require (
	github.com/golang-jwt/jwt/v5 v5.2.2
	github.com/google/uuid v1.6.0
)
