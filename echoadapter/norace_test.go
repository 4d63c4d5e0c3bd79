//go:build !race

package echoadapter_test

const underRace = false
