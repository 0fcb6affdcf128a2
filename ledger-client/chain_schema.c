/* This file has the tables and the SQL statements of a chain, format 2 (FORMAT.md §2). */
#include "chain_private.h"

const char chain_schema[] =
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE entries(seq INTEGER PRIMARY KEY, batch_id BLOB NOT NULL UNIQUE, entry BLOB "
	"NOT NULL,"
	" items BLOB NOT NULL);"
	"CREATE TABLE nodes(level INTEGER, idx INTEGER, hash BLOB NOT NULL, PRIMARY KEY(level, "
	"idx)) WITHOUT ROWID;"
	"CREATE TABLE domains(domain BLOB, seq INTEGER, PRIMARY KEY(domain, seq)) WITHOUT ROWID;"
	"CREATE TABLE items(prefix INTEGER, seq INTEGER, idx INTEGER, PRIMARY KEY(prefix, seq, "
	"idx)) WITHOUT ROWID;"
	"CREATE TABLE state(key TEXT PRIMARY KEY, value BLOB NOT NULL, seq INTEGER NOT NULL, time "
	"INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE places(family INTEGER, domain BLOB, object BLOB, version INTEGER, seq "
	"INTEGER NOT NULL,"
	" idx INTEGER NOT NULL, purged INTEGER NOT NULL,"
	" PRIMARY KEY(family, domain, object, version)) WITHOUT ROWID;"
	"CREATE TABLE parts(family INTEGER, domain BLOB, object BLOB, version INTEGER, seq INTEGER "
	"NOT NULL,"
	" hash BLOB NOT NULL, part BLOB NOT NULL, UNIQUE(domain, object, family, version));";

/* The submitter of an entry, at his place in the entry's bytes. */
#define CHAIN_SUBMITTER "substr(entry, 25, 32)"
/* Which record the content of an object is of: EMR_CHAIN_NUMBER_AT. */
#define CHAIN_NUMBER "substr(part, 77, 16)"
#define KEY_MATCH "family=?1 AND domain=?2 AND object=?3 AND version=?4"

#define CHAIN_LACKING "CREATE INDEX IF NOT EXISTS lacking ON parts(seq) WHERE length(part)=0"
const char chain_indexes[] =
	"CREATE INDEX IF NOT EXISTS submitters ON entries(" CHAIN_SUBMITTER ");"
	"CREATE INDEX IF NOT EXISTS numbers ON parts(" CHAIN_NUMBER
	", domain, object) WHERE family=32;" CHAIN_LACKING;
const char chain_lacking[] = CHAIN_LACKING;

/* Whatever takes a part away takes its local copy with it, in the same transaction: also a program
 * that knows nothing of local copies. */
const char chain_locals[] =
	"CREATE TABLE IF NOT EXISTS locals(domain BLOB, object BLOB, version INTEGER, sealed BLOB "
	"NOT NULL, PRIMARY KEY(domain, object, version)) WITHOUT ROWID;"
	"CREATE TRIGGER IF NOT EXISTS locals_go AFTER DELETE ON parts WHEN old.family=32 BEGIN"
	" DELETE FROM locals WHERE domain=old.domain AND object=old.object AND version=old.version;"
	" END;";

const char *const chain_texts[CHAIN_STATEMENTS] = {
	[SIZE] = "SELECT coalesce(max(seq)+1, 0) FROM entries",
	[ENTRY_GET] = "SELECT entry, items FROM entries WHERE seq=?1",
	[ENTRY_PUT] = "INSERT INTO entries(seq, batch_id, entry, items) VALUES(?1, ?2, ?3, ?4)",
	[BATCH_GET] = "SELECT seq FROM entries WHERE batch_id=?1",
	[NODE_GET] = "SELECT hash FROM nodes WHERE level=?1 AND idx=?2",
	[NODE_PUT] = "INSERT INTO nodes(level, idx, hash) VALUES(?1, ?2, ?3)",
	[DOMAIN_PUT] = "INSERT INTO domains(domain, seq) VALUES(?1, ?2)",
	[DOMAIN_SEQS] = "SELECT seq FROM domains WHERE domain=?1 AND seq>=?2 ORDER BY seq LIMIT ?3",
	[DOMAIN_LAST] = "SELECT seq FROM domains WHERE domain=?1 ORDER BY seq DESC LIMIT 1",
	[ITEM_GET] = "SELECT seq, idx FROM items WHERE prefix=?1 ORDER BY seq, idx",
	[ITEM_PUT] = "INSERT INTO items(prefix, seq, idx) VALUES(?1, ?2, ?3)",
	[STATE_GET] = "SELECT value, seq, time FROM state WHERE key=?1",
	[STATE_PUT] = "INSERT INTO state(key, value, seq, time) VALUES(?1, ?2, ?3, ?4)"
		      " ON CONFLICT(key) DO UPDATE SET value=?2, seq=?3, time=?4",
	[STATE_RANGE] = "SELECT key, value, seq, time FROM state WHERE key>=?1 AND "
			"key<?1||char(127) ORDER BY key",
	[PLACE_GET] = "SELECT seq, idx, purged FROM places WHERE " KEY_MATCH,
	[PLACE_PUT] = "INSERT INTO places(family, domain, object, version, seq, idx, purged)"
		      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, 0)"
		      " ON CONFLICT(family, domain, object, version) DO UPDATE SET seq=?5, idx=?6, "
		      "purged=0",
	[PLACE_PURGE] = "UPDATE places SET purged=?6 WHERE family=?1 AND domain=?2 AND object=?3"
			" AND version>=?4 AND version<=?5",
	[PART_GET] = "SELECT hash, part FROM parts WHERE " KEY_MATCH,
	/* Only an item says which part belongs to a place: nothing but a part of that hash gets in.
	 */
	[PART_PUT] = "UPDATE parts SET part=?6 WHERE " KEY_MATCH " AND hash=?5",
	[PART_EXPECT] =
		"INSERT OR IGNORE INTO parts(family, domain, object, version, seq, hash, part)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, x'')",
	[PART_PURGE] = "DELETE FROM parts WHERE family=?1 AND domain=?2 AND object=?3 AND "
		       "version>=?4 AND version<=?5",
	[PARTS_LACKING] = "SELECT family, domain, object, version, seq FROM parts"
			  " WHERE length(part)=0 AND seq>=?1 ORDER BY seq LIMIT ?2",
	[PART_IN] = "SELECT 1 FROM parts WHERE domain=?1 LIMIT 1",
	[PART_LACKING_OF] = "SELECT 1 FROM parts WHERE length(part)=0 AND seq=?1 LIMIT 1",
	[PART_LACKING_LAST] =
		"SELECT seq FROM parts WHERE length(part)=0 ORDER BY seq DESC LIMIT 1",
	[LOCAL_GET] = "SELECT sealed FROM locals WHERE ?1=32 AND domain=?2 AND object=?3 AND "
		      "version=?4",
	[LOCAL_PUT] =
		"INSERT OR REPLACE INTO locals(domain, object, version, sealed)"
		" SELECT domain, object, version, ?5 FROM parts WHERE family=32 AND " KEY_MATCH
		" AND length(part)>0",
	[LOCALS_DROP] = "DELETE FROM locals",
	[META_GET] = "SELECT value FROM meta WHERE name=?1",
	[META_PUT] = "INSERT INTO meta(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET "
		     "value=?2",
	[ALL_PARTS] = "SELECT family, domain, object, version, hash, part, seq FROM parts ORDER BY "
		      "2, 3, 1, 4",
};
