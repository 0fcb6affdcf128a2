/* The manifest lists what a backup holds: one line for each file, and a hash over all of them. It
 * refuses names that lead anywhere but into a backup or a state, and text that it would not write
 * itself.
 *
 * The text is described in fs/evidence/backup/FORMAT.md. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"

#define EMR_BACKUP_MANIFEST "emrfs-backup" /* its name in a backup's directory */
#define EMR_BACKUP_PATH_BYTES 80
#define EMR_BACKUP_STORED_BYTES 120
#define EMR_BACKUP_MANIFEST_MAX ((size_t)64 << 20)

#define EMR_BACKUP_KEPT_PATH "shared-keys"
/* Not in a state: where the network's directory is, and what leads to one that has none. */
#define EMR_BACKUP_NETWORK_PATH "network"
#define EMR_BACKUP_CHANNEL_PATH "channel"

/* The kind of a file, by its path in the state. */
typedef enum emr_backup_kind {
	EMR_BACKUP_NONE, /* no file of a backup */
	EMR_BACKUP_KEYFILE,
	EMR_BACKUP_PROFILE,
	EMR_BACKUP_PEOPLE,
	EMR_BACKUP_GUARDIANS,
	EMR_BACKUP_NETWORK,
	EMR_BACKUP_CHANNEL,
	EMR_BACKUP_MARK, /* replica.hw */
	EMR_BACKUP_DESCRIPTOR,
	EMR_BACKUP_LEDGER,
	EMR_BACKUP_ANNEX, /* the ledger before a join */
	EMR_BACKUP_STORE_FORMAT,
	EMR_BACKUP_SEGMENT,
	EMR_BACKUP_HEAD,  /* of the journal */
	EMR_BACKUP_SPILL, /* and keys of what others share: judged by who opens them */
} emr_backup_kind;
emr_backup_kind emr_backup_kind_of(const char *path);

typedef struct emr_backup_file {
	char path[EMR_BACKUP_PATH_BYTES];     /* in the state */
	char stored[EMR_BACKUP_STORED_BYTES]; /* in the backup's data directory */
	uint64_t bytes;			      /* what counts; a stored file may be longer */
	uint8_t sha256[32];		      /* of these bytes */
} emr_backup_file;

typedef struct emr_backup_manifest {
	emr_id16 net_id;
	uint64_t made_unix_s; /* 0: of a backup that is not whole yet */
	uint64_t entries;     /* of the ledger in it */
	uint8_t root[32];     /* of the tree of these entries: which history it is */
	uint64_t records;
	emr_backup_file *files; /* owned */
	size_t n, capacity;
} emr_backup_manifest;

void emr_backup_manifest_free(emr_backup_manifest *manifest);
#define EMR_AUTO_MANIFEST __attribute__((cleanup(emr_backup_manifest_free))) emr_backup_manifest

/* Copies FILE. */
emr_status emr_backup_manifest_add(emr_backup_manifest *manifest, const emr_backup_file *file);
/* By path; NULL when there is none. */
const emr_backup_file *emr_backup_manifest_find(
	const emr_backup_manifest *manifest, const char *path);
/* Of all files that count. */
uint64_t emr_backup_manifest_bytes(const emr_backup_manifest *manifest);

emr_status emr_backup_manifest_write(const emr_backup_manifest *manifest, emr_buf *out);
/* EMR_NEWER_FORMAT; EMR_DAMAGED for anything that write would not have given. */
emr_status emr_backup_manifest_read(emr_bytes text, emr_backup_manifest *out_manifest);
