package sandbox

import "flag"

func (c *command) printEnv(f *flag.FlagSet) func([]string) error {
	t := c.targetFlags(f)
	form := format(f, formSh, formDotenv, formJSON)
	checks := f.Bool("check", false, "with what only the checks need: a second customer at Ashby, and the secret to which StackOne rotates")
	return func(args []string) error {
		if err := none(args); err != nil {
			return err
		}
		r, err := t.resolve()
		if err != nil {
			return err
		}
		text, err := t.printsEnv(r, *checks, *form)
		if err != nil {
			return err
		}
		return c.write(text)
	}
}
