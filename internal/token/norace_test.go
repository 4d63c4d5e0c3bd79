//go:build !race

package token_test

const underRace = false
