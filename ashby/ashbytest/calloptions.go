package ashbytest

// KeyAsUserName sends the partner key as the Basic user name with an empty
// password, as Ashby's own API wants its keys. It is the default.
func KeyAsUserName() DeliveryOption {
	return authorized("key as user name", func(key string) string { return basicAuthorization(key, "") })
}

// KeyAsPassword sends the partner key as the Basic password with an empty user name.
// Ashby does not document which half it uses.
func KeyAsPassword() DeliveryOption {
	return authorized("key as password", func(key string) string { return basicAuthorization("", key) })
}

// BadKey sends a key that the provider never issued.
func BadKey() DeliveryOption {
	return wrong("bad key", func(key string) string { return basicAuthorization(key+"-bad", "") })
}

// WithKey sends the given key, such as one that was revoked or is another
// customer's. The provider is expected to refuse it.
func WithKey(key string) DeliveryOption {
	return wrong("with another key", func(string) string { return basicAuthorization(key, "") })
}

// NoKey sends no Authorization.
func NoKey() DeliveryOption {
	return wrong("no key", func(string) string { return "" })
}

func authorized(name string, authorization func(key string) string) DeliveryOption {
	return DeliveryOption{name, func(p *plan) { p.authorization, p.wrongKey = authorization, false }}
}

func wrong(name string, authorization func(key string) string) DeliveryOption {
	return DeliveryOption{name, func(p *plan) { p.authorization, p.wrongKey = authorization, true }}
}
