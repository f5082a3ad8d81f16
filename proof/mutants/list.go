package main

import "strconv"

const module = "github.com/bankrail/bankrail"

// worlds lets simulated worlds happen and judges them.
func worlds() proof {
	return proof{
		name: "worlds", pkg: "./internal/sim", run: "^TestWorlds$", found: `seed \d+ breaks .*`,
		args: func(n int) []string { return []string{"-worlds", strconv.Itoa(n), "-seed", "1"} },
		env:  func(int) []string { return nil },
	}
}

// histories looks for an order in what concurrent callers were answered.
func histories() proof {
	return proof{
		name: "histories", pkg: "./store/memstore", run: "^TestHistories$", found: `history \d+ has no order`,
		args: func(int) []string { return nil },
		env:  func(n int) []string { return []string{"BANKRAIL_TEST_HISTORIES=" + strconv.Itoa(n)} },
	}
}

// mutants lists the mistakes. Each was made before, by somebody, in production.
func mutants() []mutant {
	return []mutant{
		{name: "a refusal on a second send ends the entry", by: worlds(), edits: []edit{{
			"journal/fold.go",
			"case e.Copies > 1 || e.Offer:\n\t\tv.step(e, fmt.Sprintf(\"refused",
			"case e.Offer:\n\t\tv.step(e, fmt.Sprintf(\"refused",
		}}},
		{name: "drop WHERE state: cancel whatever became of it", by: worlds(), edits: []edit{{
			"journal/work.go",
			"if e.Status != bankrail.Created {\n\t\t\treturn e, fmt.Errorf(\"journal: %s is %s: %w\", id, e.Status, ErrSent)",
			"if e.Status.Final() {\n\t\t\treturn e, fmt.Errorf(\"journal: %s is %s: %w\", id, e.Status, ErrSent)",
		}}},
		{name: "drop WHERE version", by: worlds(), edits: []edit{{
			"store/memstore/apply.go",
			"case !ok || e.Version == 0 || old.Version != e.Version:",
			"case !ok || e.Version == 0:",
		}}},
		{name: "delete the row on error", by: worlds(), edits: []edit{{
			"store/memstore/apply.go",
			"\ts.entries[e.ID] = &e\n",
			"\ts.entries[e.ID] = &e\n\tif e.Status == bankrail.Failed {\n\t\tdelete(s.entries, e.ID)\n" +
				"\t\ts.inserted = slices.DeleteFunc(s.inserted, func(id bankrail.ID) bool { return id == e.ID })\n\t}\n",
		}}},
		{name: "store a 5xx as Failed", by: worlds(), edits: []edit{{
			"journal/fact.go",
			"case bankrail.EffectOf(err) != bankrail.Refused:\n\t\tf.kind = factNothing",
			"case bankrail.EffectOf(err) != bankrail.Refused:\n\t\tf.kind = factRefused",
		}}},
		{name: "acknowledge before commit", by: worlds(), edits: []edit{{
			"journal/receive.go",
			"case !errors.Is(err, ErrLost):\n\t\t\treturn fmt.Errorf(\"journal: notice %s of %s: %w\", n.ID, n.Channel, err)",
			"case !errors.Is(err, ErrLost):\n\t\t\treturn nil",
		}}},
		{name: "publish before commit", by: worlds(), edits: []edit{{
			"store/memstore/apply.go",
			"\te.Unconfirmed = false\n",
			"\te.Unconfirmed = false\n\tif c.Event != \"\" {\n\t\ts.events = append(s.events, &eventRow{Event: journal.Event{\n" +
				"\t\t\tID: e.ID.String() + \"#\" + strconv.FormatInt(e.Version+1, 10), Type: c.Event, Entry: e.ID,\n" +
				"\t\t\tVersion: e.Version + 1, Status: e.Status, Order: e.Order, At: whole(c.At),\n\t\t}})\n\t}\n",
		}, {
			"store/memstore/apply.go",
			"\tif c.Event != \"\" {\n\t\tbefore := s.events\n",
			"\tif false {\n\t\tbefore := s.events\n",
		}}},
		{name: "events by offset: taken is counted as published", by: worlds(), edits: []edit{{
			"store/memstore/queue.go",
			"\t\ttaken = append(taken, e.Event)\n\t}\n\treturn taken, nil",
			"\t\ttaken = append(taken, e.Event)\n\t}\n\tfor _, done := range taken {\n\t\ts.events = slices.DeleteFunc(s.events, func(e *eventRow) bool { return e.ID == done.ID })\n\t}\n\treturn taken, nil",
		}}},
		{name: "resend without grace", by: worlds(), edits: []edit{{
			"journal/book.go",
			"return e.LastSendBy.Add(b.cfg.CallTimeout).Add(r.visible())",
			"return e.FirstSend",
		}}},
		{name: "new number on retry", by: worlds(), edits: []edit{{
			"refund/driver.go",
			"\treceipt, err := gw.Refund(ctx, r)\n",
			"\tif e.Sends > 1 {\n\t\tr.Number += \"r\"\n\t}\n\treceipt, err := gw.Refund(ctx, r)\n",
		}}},
		{name: "reclaim without compare-and-swap", by: histories(), edits: []edit{{
			"store/memstore/keys.go",
			"if !ok || r.epoch != epoch || r.state(now) != idempotency.Unknown {",
			"if !ok || r.state(now) != idempotency.Unknown {",
		}}},
		{name: "release a lock without its token", by: histories(), edits: []edit{{
			"store/memstore/locker.go",
			"if k.leases[l.name] != l {",
			"if k.leases[l.name] == nil {",
		}}},
		{name: "the node's wall clock instead of the database's", by: worlds(), edits: []edit{{
			"journal/book.go",
			"t, err := b.store.Now(ctx)\n",
			"_, err := b.store.Now(ctx)\n\tt := local\n",
		}}},
		{name: "budget checked outside the transaction", by: worlds(), edits: []edit{{
			"journal/create.go",
			"\tc := recorded(e, \"recorded\")\n\terr := b.store.Insert(wctx, c, h)\n",
			"\tif held, err := b.store.Budget(wctx, e.Channel, e.Order); err == nil && h != (Hold{}) {\n" +
				"\t\tif sum, err := held.Held.Add(e.Amount); err != nil || sum.Minor() > h.Limit.Minor() {\n" +
				"\t\t\treturn b.refused(ctx, e.ID, e.Fingerprint, bankrail.ErrBudget)\n\t\t}\n\t}\n" +
				"\tif h != (Hold{}) {\n\t\th.Limit, _ = bankrail.NewMoney(1<<50, e.Amount.Currency())\n\t}\n" +
				"\tc := recorded(e, \"recorded\")\n\terr := b.store.Insert(wctx, c, h)\n",
		}}},
		{name: "a notification overwrites a final state", by: worlds(), edits: []edit{{
			"journal/fold.go",
			"if e.Status == bankrail.Failed {\n\t\tv.lateSuccess(to, amount)\n\t\treturn\n\t}\n",
			"if e.Status == bankrail.Failed && v.fact.source != SourceNotification {\n\t\tv.lateSuccess(to, amount)\n\t\treturn\n\t}\n",
		}}},
	}
}
