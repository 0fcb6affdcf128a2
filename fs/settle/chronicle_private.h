/* This is what the files of the chronicle share: chronicle.c, which follows the ledger,
 * chronicle_told.c, which says what an item of it did to a record, and chronicle_kept.c, which
 * keeps that in memory. All of it under the chronicle's lock. */
#pragma once

#include "base/worker.h"
#include "settle/chronicle.h"

#include "facts_private.h"
#include "index16.h"

/* Where a text is in the chronicle's texts, which grow and are let go together; 0: none. */
typedef size_t text;

typedef struct object {
	emr_id16 domain, parent;
	uint64_t pversion; /* item that says the content; 0: none yet */
	text name;	   /* 0: none that could be read */
	emr_id32 content;  /* hash of the metadata; of what was sealed again under another key it is
			      the same */
	uint32_t subject;  /* INDEX16_NONE: none yet */
	bool is_live, is_top;
} object;

/* One record over all objects that it has had. */
typedef struct subject {
	text path;
	uint64_t cver, bytes, versions;
	uint64_t added_unix_s, changed_unix_s;
	uint32_t live; /* objects */
	uint8_t type;
	bool is_erased;
} subject;

/* An entry of the ledger that did something to records. */
typedef struct written {
	uint64_t seq, time_unix_s;
	emr_id32 batch_id, signer_id;
	bool in_annex;
} written;

/* An event, without what it has in common with the others of its entry: most of the memory of a
 * history is these. */
typedef struct told {
	text path, from;
	uint64_t cver, bytes;
	uint32_t entry, subject;
	uint16_t index;
	uint8_t deed, type;
} told;

/* How far one ledger is in here, and whose of its domains were ours then. */
typedef struct followed {
	uint64_t size;	 /* entries; 0: none yet */
	emr_buf domains; /* emr_id16, ... */
} followed;

struct emr_chronicle {
	emr_facts *facts;
	emr_replica *replica;
	pthread_mutex_t
		lock; /* protects all below; the locks of facts and replica are inside of it */
	followed ledgers[EMR_MOVES_MAX +
			 1]; /* the present one, and those before a move, newest first */
	uint64_t damaged;
	emr_buf objects, subjects, deeds, entries; /* object, subject, told, written */
	emr_buf domains;			   /* emr_id16; of those something could be read */
	index16 by_object,
		by_patient_id; /* the r_pid of a record's metadata stays the same for its life */
	emr_buf texts, scratch;
};

/* The facts that the walk of the replica notes of an item. */
typedef struct line {
	facts_order at;
	emr_id16 domain, object;
	emr_id32 batch_id, signer_id;
	uint64_t time_unix_s;
	uint8_t op;
	bool is_carried; /* says again, on another ledger, what was told already */
} line;

static inline object *object_at(const emr_chronicle *c, uint32_t i)
{
	return (object *)(void *)c->objects.data + i;
}

static inline subject *subject_at(const emr_chronicle *c, uint32_t i)
{
	return (subject *)(void *)c->subjects.data + i;
}

/* Until the next one is kept; NULL: none. */
static inline const char *text_at(const emr_chronicle *c, text at)
{
	return at != 0 ? (const char *)c->texts.data + at : NULL;
}

static inline const written *entry_at(const emr_chronicle *c, size_t i)
{
	return (const written *)(const void *)c->entries.data + i;
}

/* ---- chronicle_kept.c ---- */

emr_status chronicle_keep_text(emr_chronicle *c, emr_bytes bytes, text *out_text);
/* Everything; the lock stays. */
void chronicle_let_go(emr_chronicle *c);
/* As of now, from the top, kept; KNOWN when it is the same. */
emr_status chronicle_path_of(
	emr_chronicle *c, emr_id16 parent, text name, text known, text *out_path);
/* EMR_NOT_FOUND: somebody made, somewhere else, something with the id of what is known already.
 * Everybody can read ids, and choose them. */
emr_status chronicle_object_of(
	emr_chronicle *c, emr_id16 domain, emr_id16 id, uint32_t *out_object);
emr_status chronicle_subject_new(emr_chronicle *c, uint32_t *out_subject);
emr_status chronicle_subject_of(
	emr_chronicle *c, const uint8_t r_pid[32], emr_id16 id, uint32_t *out_subject);
emr_status chronicle_add_event(
	emr_chronicle *c, const line *l, uint32_t s, emr_deed what, text path, text from);

/* ---- chronicle_told.c ---- */

/* One item after the other, in the order of the ledger. */
emr_status chronicle_take(emr_chronicle *c, const line *l);
