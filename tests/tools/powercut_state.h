/*
 * The inside of the power-cut model, shared by its two halves: what happened, and what a cut
 * leaves. It refuses other users: powercut_model.h is the way in.
 */
#pragma once

#include "powercut_image.h"
#include "powercut_model.h"

enum type { A_FILE, A_DIR, A_LINK };

/* Entries as programs see them, as the disk surely has them, as one cut leaves them. */
enum view { SEEN, DURABLE, CUT, VIEWS };

/* One change of bytes or size that no flush has covered yet. */
struct change {
	uint64_t number;
	enum powercut_kind kind;
	uint64_t offset, length;
	const unsigned char *data;
	bool keeps_size;
};

struct node;

struct entry {
	char *name;
	struct node *node;
};

struct listing {
	struct entry *entries;
	size_t count, room;
};

struct node {
	uint64_t inode;
	enum type type;
	unsigned mode;
	char *text; /* of a link */
	struct powercut_image disk;
	struct change *changes;
	size_t change_count, change_room;
	struct listing views[VIEWS];
	uint64_t cut_number; /* strict: names changed from here on are lost */
	bool is_being_saved;
	struct node *next;
};

/* One change of names: dir/name becomes node (NULL: removed), and other_dir/other loses or swaps.
 */
struct name_change {
	uint64_t number;
	struct node *dir, *node, *other_dir, *other_node;
	char *name, *other;
	bool is_durable;
};

struct flush {
	uint64_t id, number, inode;
};

struct powercut_model {
	enum powercut_names names;
	bool drops_flushes;
	struct node *nodes, *root; /* newest first: the newest node with an inode number is meant */
	struct name_change *names_pending;
	size_t name_count, name_room;
	struct flush *flushes;
	size_t flush_count, flush_room;
};

/* NODE NULL removes the name. */
void powercut_entry_set(struct listing *listing, const char *name, struct node *node);
void powercut_name_apply(const struct name_change *change, enum view view);
void powercut_change_apply(struct powercut_image *image, const struct change *change);
