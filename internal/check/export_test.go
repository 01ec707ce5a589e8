package check

// Credentials are what the services of the tests share with the vendors of the kit.
func (k *Kit) Credentials() Credentials { return k.cfg.Credentials }
