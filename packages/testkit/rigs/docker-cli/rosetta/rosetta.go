// Package rosetta stands in for the module of that name, which tells whether macOS translates this program: on Linux nobody does.
package rosetta

// Enabled is asked by docker/cli, command/system, for `docker version`.
func Enabled() bool {
	return false
}
