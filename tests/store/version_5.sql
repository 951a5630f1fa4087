-- The tables of version 5, as it made them.

CREATE TABLE meta (
	name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE specs (
	digest VARCHAR NOT NULL, 
	graph VARCHAR NOT NULL, 
	version INTEGER NOT NULL, 
	body VARCHAR NOT NULL, 
	stored_at DATETIME NOT NULL, 
	PRIMARY KEY (digest)
);
CREATE TABLE delegations (
	id VARCHAR NOT NULL, 
	delegator VARCHAR NOT NULL, 
	delegate VARCHAR NOT NULL, 
	role VARCHAR, 
	begins_at DATETIME NOT NULL, 
	ends_at DATETIME NOT NULL, 
	created_at DATETIME NOT NULL, 
	revoked_at DATETIME, 
	revoked_by VARCHAR, 
	PRIMARY KEY (id)
);
CREATE TABLE credentials (
	id VARCHAR NOT NULL, 
	person VARCHAR NOT NULL, 
	hash VARCHAR NOT NULL, 
	note VARCHAR NOT NULL, 
	issued_by VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	revoked_at DATETIME, 
	last_used_at DATETIME, 
	PRIMARY KEY (id)
);
CREATE TABLE misuses (
	about VARCHAR NOT NULL, 
	unnoted INTEGER NOT NULL, 
	noted_at DATETIME NOT NULL, 
	PRIMARY KEY (about)
);
CREATE TABLE audit (
	seq INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	actor VARCHAR NOT NULL, 
	event VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	data JSON NOT NULL, 
	previous VARCHAR NOT NULL, 
	mac VARCHAR NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE TABLE notices (
	id VARCHAR NOT NULL, 
	channel VARCHAR NOT NULL, 
	target VARCHAR NOT NULL, 
	event VARCHAR NOT NULL, 
	payload JSON NOT NULL, 
	state VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	error VARCHAR, 
	due_at DATETIME NOT NULL, 
	created_at DATETIME NOT NULL, 
	sent_at DATETIME, 
	PRIMARY KEY (id)
);
CREATE TABLE workers (
	id VARCHAR NOT NULL, 
	host VARCHAR NOT NULL, 
	pid INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	at_once INTEGER NOT NULL, 
	started_at DATETIME NOT NULL, 
	beat_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE runs (
	id VARCHAR NOT NULL, 
	graph VARCHAR NOT NULL, 
	spec_digest VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	outcome VARCHAR, 
	error VARCHAR, 
	input JSON NOT NULL, 
	output JSON NOT NULL, 
	limits JSON NOT NULL, 
	requester VARCHAR NOT NULL, 
	parent_id VARCHAR, 
	parent_step VARCHAR, 
	parent_visit INTEGER, 
	ordinal INTEGER NOT NULL, 
	traced BOOLEAN NOT NULL, 
	steps INTEGER NOT NULL, 
	model_calls INTEGER NOT NULL, 
	tokens INTEGER NOT NULL, 
	cost_micro_usd INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(spec_digest) REFERENCES specs (digest), 
	FOREIGN KEY(parent_id) REFERENCES runs (id)
);
CREATE TABLE sessions (
	id VARCHAR NOT NULL, 
	person VARCHAR NOT NULL, 
	credential_id VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(credential_id) REFERENCES credentials (id)
);
CREATE TABLE visits (
	run_id VARCHAR NOT NULL, 
	step VARCHAR NOT NULL, 
	visit INTEGER NOT NULL, 
	entered_by INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	model_calls INTEGER NOT NULL, 
	tokens INTEGER NOT NULL, 
	cost_micro_usd INTEGER NOT NULL, 
	outcome VARCHAR, 
	error_kind VARCHAR, 
	left_by INTEGER, 
	note VARCHAR, 
	entered_at DATETIME NOT NULL, 
	left_at DATETIME, 
	PRIMARY KEY (run_id, step, visit), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE TABLE written (
	run_id VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	marks JSON NOT NULL, 
	PRIMARY KEY (run_id, position, "key"), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE TABLE pauses (
	id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	step VARCHAR NOT NULL, 
	visit INTEGER NOT NULL, 
	event VARCHAR, 
	payload_schema JSON NOT NULL, 
	due_at DATETIME NOT NULL, 
	state VARCHAR NOT NULL, 
	payload JSON, 
	sender VARCHAR, 
	created_at DATETIME NOT NULL, 
	settled_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE TABLE early_events (
	id INTEGER NOT NULL, 
	run_id VARCHAR NOT NULL, 
	event VARCHAR NOT NULL, 
	payload JSON NOT NULL, 
	sender VARCHAR NOT NULL, 
	taken_by VARCHAR, 
	sent_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE TABLE upgrades (
	run_id VARCHAR NOT NULL, 
	ordinal INTEGER NOT NULL, 
	old VARCHAR NOT NULL, 
	new VARCHAR NOT NULL, 
	mapping JSON NOT NULL, 
	actor VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	state JSON NOT NULL, 
	settled BOOLEAN NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (run_id, ordinal), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE TABLE effects (
	id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	step VARCHAR NOT NULL, 
	visit INTEGER NOT NULL, 
	slot INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	revision INTEGER NOT NULL, 
	action VARCHAR NOT NULL, 
	arguments JSON NOT NULL, 
	missing JSON NOT NULL, 
	labels JSON NOT NULL, 
	origins JSON NOT NULL, 
	evidence JSON NOT NULL, 
	model JSON NOT NULL, 
	proposed_by JSON NOT NULL, 
	undoes VARCHAR, 
	digest VARCHAR, 
	verdict JSON, 
	inputs JSON, 
	approval_id VARCHAR, 
	attempt INTEGER NOT NULL, 
	retryable BOOLEAN NOT NULL, 
	result JSON, 
	error VARCHAR, 
	intent_at DATETIME, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id), 
	FOREIGN KEY(undoes) REFERENCES effects (id)
);
CREATE TABLE consultations (
	run_id VARCHAR NOT NULL, 
	step VARCHAR NOT NULL, 
	visit INTEGER NOT NULL, 
	slot INTEGER NOT NULL, 
	body VARCHAR NOT NULL, 
	sealed BOOLEAN NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (run_id, step, visit, slot), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE TABLE reservations (
	effect_id VARCHAR NOT NULL, 
	argument VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	family VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	"key" VARCHAR, 
	hold VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	is_number BOOLEAN NOT NULL, 
	limb_0 BIGINT NOT NULL, 
	limb_1 BIGINT NOT NULL, 
	limb_2 BIGINT NOT NULL, 
	limb_3 BIGINT NOT NULL, 
	PRIMARY KEY (effect_id, argument), 
	FOREIGN KEY(effect_id) REFERENCES effects (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE TABLE approvals (
	id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	step VARCHAR NOT NULL, 
	visit INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	revision INTEGER NOT NULL, 
	effect_id VARCHAR, 
	digest VARCHAR, 
	request JSON NOT NULL, 
	requirement JSON NOT NULL, 
	excluded JSON NOT NULL, 
	answer JSON, 
	decide_before DATETIME NOT NULL, 
	execute_before DATETIME, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (run_id, step, visit, ordinal), 
	FOREIGN KEY(run_id) REFERENCES runs (id), 
	FOREIGN KEY(effect_id) REFERENCES effects (id)
);
CREATE TABLE votes (
	approval_id VARCHAR NOT NULL, 
	person VARCHAR NOT NULL, 
	on_behalf_of VARCHAR, 
	verdict VARCHAR NOT NULL, 
	comment VARCHAR NOT NULL, 
	revision INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (approval_id, person), 
	UNIQUE (approval_id, person), 
	FOREIGN KEY(approval_id) REFERENCES approvals (id)
);
CREATE TABLE claims (
	approval_id VARCHAR NOT NULL, 
	person VARCHAR NOT NULL, 
	claimed_at DATETIME NOT NULL, 
	until DATETIME NOT NULL, 
	PRIMARY KEY (approval_id), 
	FOREIGN KEY(approval_id) REFERENCES approvals (id)
);
CREATE TABLE escalations (
	approval_id VARCHAR NOT NULL, 
	due_at DATETIME NOT NULL, 
	at DATETIME, 
	PRIMARY KEY (approval_id), 
	FOREIGN KEY(approval_id) REFERENCES approvals (id)
);
CREATE INDEX ix_delegations_delegator ON delegations (delegator);
CREATE INDEX ix_delegations_delegate ON delegations (delegate);
CREATE INDEX ix_credentials_person ON credentials (person);
CREATE INDEX ix_notices_state ON notices (state);
CREATE INDEX ix_workers_state ON workers (state);
CREATE INDEX ix_runs_status ON runs (status);
CREATE INDEX ix_runs_graph ON runs (graph);
CREATE INDEX ix_runs_parent_id ON runs (parent_id);
CREATE INDEX ix_pauses_state ON pauses (state);
CREATE INDEX ix_pauses_event ON pauses (event);
CREATE INDEX ix_pauses_run_id ON pauses (run_id);
CREATE INDEX ix_early_events_run_id ON early_events (run_id);
CREATE UNIQUE INDEX ix_effects_place ON effects (run_id, step, visit, slot);
CREATE INDEX ix_effects_state ON effects (state);
CREATE INDEX ix_effects_run_id ON effects (run_id);
CREATE INDEX ix_reservations_family ON reservations (argument, family, hold, at, action, effect_id, is_number, limb_0, limb_1, limb_2, limb_3);
CREATE INDEX ix_reservations_key ON reservations (argument, "key", hold, at);
CREATE INDEX ix_reservations_run_id ON reservations (run_id);
CREATE INDEX ix_approvals_effect_id ON approvals (effect_id);
CREATE INDEX ix_approvals_state ON approvals (state);
CREATE INDEX ix_approvals_run_id ON approvals (run_id);
CREATE UNIQUE INDEX ix_votes_represented ON votes (approval_id, coalesce(on_behalf_of, person));
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
