/* This file has the tables and the SQL statements of a chain, format 3 (FORMAT.md §2). */
#include "chain_private.h"

const char chain_schema[] =
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE entries(seq INTEGER PRIMARY KEY, batch_id BLOB NOT NULL, entry BLOB "
	"NOT NULL,"
	" items BLOB NOT NULL);"
	"CREATE TABLE nodes(level INTEGER, idx INTEGER, hash BLOB NOT NULL, PRIMARY KEY(level, "
	"idx)) WITHOUT ROWID;"
	"CREATE TABLE ids(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE);"
	"CREATE TABLE item(seq INTEGER, idx INTEGER, family INTEGER, id BLOB, op INTEGER NOT NULL,"
	" domain INTEGER NOT NULL, object BLOB NOT NULL, version INTEGER NOT NULL, signer INTEGER "
	"NOT NULL, submitter INTEGER NOT NULL, time INTEGER NOT NULL, result INTEGER NOT NULL,"
	" flags INTEGER NOT NULL, purged INTEGER, sum BLOB NOT NULL,"
	" PRIMARY KEY(seq, idx)) WITHOUT ROWID;"
	"CREATE INDEX item_places ON item(domain, family, object, version);"
	"CREATE INDEX item_domains ON item(domain, seq, idx);"
	/* By so much an id is found: the whole of it stands in the row. */
	"CREATE INDEX item_ids ON item(substr(id,1,6));"
	"CREATE INDEX batches ON entries(substr(batch_id,1,6));"
	"CREATE TABLE state(key TEXT PRIMARY KEY, value BLOB NOT NULL, seq INTEGER NOT NULL, time "
	"INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE parts(family INTEGER, domain BLOB, object BLOB, version INTEGER, seq INTEGER "
	"NOT NULL,"
	" hash BLOB NOT NULL, part BLOB NOT NULL, UNIQUE(domain, object, family, version));";

/* The sum of an item's row covers this. The ids themselves are in it, so that a number that names
 * another one shows, and an index that finds another row. */
#define ITEM_SAYS                                                                                  \
	"joined(i.seq,i.idx,i.family,i.id,i.op,d.id,i.object,i.version,s.id,b.id,i.time,i.result," \
	"i.flags,"
#define ITEM_CHECKED "checked('item'," ITEM_SAYS "i.purged,i.sum))"
#define ITEM_FROM                                                                                  \
	" FROM item i LEFT JOIN ids d ON d.n=i.domain LEFT JOIN ids s ON s.n=i.signer"             \
	" LEFT JOIN ids b ON b.n=i.submitter "
#define ITEM_OF "," ITEM_CHECKED " AS row" ITEM_FROM
#define PLACE_MATCH "i.family=?1 AND d.id=?2 AND i.object=?3 AND i.purged IS NOT NULL"
/* Which record the content of an object is of: EMR_CHAIN_NUMBER_AT. */
#define CHAIN_NUMBER "substr(part, 77, 16)"
#define KEY_MATCH "family=?1 AND domain=?2 AND object=?3 AND version=?4"

#define CHAIN_LACKING "CREATE INDEX IF NOT EXISTS lacking ON parts(seq) WHERE length(part)=0"
const char chain_indexes[] =
	"CREATE INDEX IF NOT EXISTS submitters ON item(submitter, seq DESC, idx);"
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
	[BATCH_GET] = "SELECT seq FROM entries WHERE substr(batch_id,1,6)=substr(?1,1,6) AND "
		      "batch_id=?1",
	[NODE_GET] = "SELECT hash FROM nodes WHERE level=?1 AND idx=?2",
	[NODE_PUT] = "INSERT INTO nodes(level, idx, hash) VALUES(?1, ?2, ?3)",
	[DOMAIN_NEXT] = "SELECT i.seq" ITEM_OF "WHERE d.id=?1 AND i.seq>=?2 AND i.result=0"
			" ORDER BY i.seq LIMIT 1",
	[DOMAIN_LAST] = "SELECT i.seq" ITEM_OF "WHERE d.id=?1 AND i.result=0"
			" ORDER BY i.seq DESC LIMIT 1",
	[ID_PUT] = "INSERT OR IGNORE INTO ids(id) VALUES(?1)",
	[ITEM_GET] = "SELECT i.seq,i.idx" ITEM_OF "WHERE substr(i.id,1,6)=substr(?1,1,6) AND "
		     "i.id=?1 AND i.result<=?2 ORDER BY i.seq,i.idx LIMIT 1",
	[ITEM_PUT] =
		"INSERT INTO item(family, domain, object, version, seq, idx, id, op, signer, "
		"submitter, time, result, flags, purged, sum) VALUES(?1, (SELECT n FROM ids WHERE "
		"id=?2), ?3, ?4, ?5, ?6, ?7, ?8, (SELECT n FROM ids WHERE id=?9), (SELECT n FROM "
		"ids WHERE id=?10), ?11, ?12, ?13, ?14, row_sum('item', joined(?5, ?6, ?1, ?7, ?8,"
		" ?2, ?3, ?4, ?9, ?10, ?11, ?12, ?13, ?14)))",
	[STATE_GET] = "SELECT " CHAIN_ROW ",seq,time FROM state WHERE key=?1",
	[STATE_PUT] = "INSERT INTO state(key, value, seq, time) VALUES(?1, CAST(?2||row_sum(?1||' "
		      "'||?3||' '||?4, ?2) AS BLOB), ?3, ?4)"
		      " ON CONFLICT(key) DO UPDATE SET value=excluded.value, seq=?3, time=?4",
	[STATE_RANGE] = "SELECT key," CHAIN_ROW ",seq,time FROM state WHERE key>=?1 AND "
			"key<?1||char(127) ORDER BY key",
	[PLACE_GET] = "SELECT i.seq,i.time,i.purged,i.idx&1023,i.id" ITEM_OF "WHERE " PLACE_MATCH
		      " AND i.version=?4 ORDER BY i.seq DESC,i.idx DESC LIMIT 1",
	[PLACE_PURGE] =
		"UPDATE item AS t SET purged=?6, sum=row_sum('item'," ITEM_SAYS "?6))" ITEM_FROM
		"WHERE " PLACE_MATCH " AND i.version>=?4 AND i.version<=?5 AND " ITEM_CHECKED
		" IS NOT NULL AND t.seq=i.seq AND t.idx=i.idx",
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

const char chain_items[] =
	"items AS NOT MATERIALIZED(SELECT i.seq,i.idx,i.family,i.id AS id,i.op,d.id AS domain,"
	"i.object,i.version,s.id AS signer,b.id AS submitter,i.time,i.result,i.flags,"
	"i.purged" ITEM_OF ") ";
