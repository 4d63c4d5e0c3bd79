package echoadapter

import (
	"fmt"
	"log/slog"
)

// Format writes the settings that hold no secret, with any verb: the keys of
// Session are nobody's to log.
func (cfg Config[T]) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, "echoadapter.Config{Session:%v Manager:%v Header:%q Defer:%v InContext:%v}",
		cfg.Session, cfg.Manager, cfg.Header, cfg.Defer, cfg.InContext)
}

// LogValue is what Format writes.
func (cfg Config[T]) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(cfg)) }
