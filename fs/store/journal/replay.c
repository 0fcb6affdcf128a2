/* After a start this file rebuilds the journal from its entries on the disk: the newest whole
 * snapshot, and what came after it. A gap or a damaged entry ends it there and is told. */
#include "journal_private.h"

#include <stdlib.h>

#include "base/log.h"

/* A frame as the scan met it; nothing of it is believed before it opened. */
typedef struct entry {
	emr_log_place place;
	uint64_t len;
	emr_cid cid;
	emr_frame frame;
} entry;

typedef struct replay {
	emr_journal *journal;
	emr_buf entries; /* of entry */
	/* what was built */
	emr_rows rows;
	uint64_t seq;
	uint8_t chain[32];
	uint64_t log_bytes;
	emr_log_place start; /* frames before it are dead */
	emr_log_place last;  /* of the last frame used */
	bool has_base;
	uint64_t damaged_seq;
	emr_log_place damaged_at;
} replay;

static void replay_reset(replay *r)
{
	emr_buf_clear(&r->entries);
	emr_rows_free(&r->rows);
	r->seq = r->log_bytes = r->damaged_seq = 0;
	memset(r->chain, 0, sizeof r->chain);
	r->start = r->last = r->damaged_at = (emr_log_place){0};
	r->has_base = false;
}

static void replay_free(replay *r)
{
	emr_buf_free(&r->entries);
	emr_rows_free(&r->rows);
}
#define AUTO_REPLAY __attribute__((cleanup(replay_free))) replay

static emr_status note_frame(void *context, const emr_log_section *section)
{
	replay *r = context;
	entry e = {.place = section->place, .len = section->len, .cid = section->cid};

	if (section->damaged)
		return EMR_OK; /* a gap in the numbers will tell whether it mattered */
	/* A block that only looks like a frame is somebody's, and says nothing about versions: head
	 * and store do. */
	if (emr_frame_head_parse(section->head, &e.frame) != EMR_OK)
		return EMR_OK;
	return emr_buf_append(&r->entries, &e, sizeof e);
}

static const entry *entries(const replay *r, size_t *out_count)
{
	*out_count = r->entries.len / sizeof(entry);
	return (const void *)r->entries.data;
}

static emr_status open_entry(replay *r, const entry *e, emr_frame *out_frame, emr_buf *out_body)
{
	EMR_AUTO_BUF block = {0};

	EMR_TRY(emr_store_read_frame(r->journal->store, e->place, &e->cid, &block));
	return emr_frame_open(r->journal->key, emr_buf_view(&block), out_frame, out_body);
}

/* Applies part AT of a snapshot; *out_frame gets its opened head. */
static emr_status apply_part(replay *r, const entry *e, emr_rows *rows, emr_frame *out_frame)
{
	EMR_AUTO_BUF body = {0};

	EMR_TRY(open_entry(r, e, out_frame, &body));
	return emr_frame_apply(emr_buf_view(&body), rows);
}

/* Loads the snapshot whose part 0 is entry FIRST: every part there, chained, authentic; EMR_DAMAGED
 * otherwise. */
static emr_status load_snapshot(replay *r, size_t first)
{
	size_t count;
	const entry *all = entries(r, &count);
	const entry *part0 = &all[first];
	emr_rows rows = {0};
	emr_frame frame = {0};
	const entry *before = NULL;
	uint32_t next = 0;
	emr_status status = EMR_OK;

	for (size_t i = first; status == EMR_OK && i < count && next < part0->frame.parts; i++) {
		const entry *e = &all[i];
		static const uint8_t zero[32];

		if (e->frame.type != EMR_FRAME_SNAPSHOT || e->frame.seq != part0->frame.seq ||
			e->frame.part != next || e->frame.parts != part0->frame.parts)
			continue;
		if (memcmp(e->frame.chain, before == NULL ? zero : emr_cid_digest(&before->cid),
			    32) != 0)
			continue;
		status = apply_part(r, e, &rows, &frame);
		before = e;
		next++;
	}
	if (status == EMR_OK && next < part0->frame.parts)
		status = EMR_DAMAGED;
	if (status != EMR_OK) {
		emr_rows_free(&rows);
		return status;
	}
	emr_rows_free(&r->rows);
	r->rows = rows;
	r->seq = part0->frame.seq;
	memcpy(r->chain, frame.covered, sizeof r->chain);
	r->start = part0->place;
	r->last = before->place;
	r->has_base = true;
	return EMR_OK;
}

/* The newest snapshot that is whole; none is fine, too. */
static emr_status find_base(replay *r)
{
	size_t count;
	const entry *all = entries(r, &count);

	for (size_t i = count; i > 0; i--) {
		emr_status status;

		if (all[i - 1].frame.type != EMR_FRAME_SNAPSHOT || all[i - 1].frame.part != 0)
			continue;
		status = load_snapshot(r, i - 1);
		if (status != EMR_DAMAGED)
			return status;
	}
	return EMR_OK;
}

static void note_damage(replay *r, const entry *e)
{
	if (r->damaged_seq != 0)
		return;
	r->damaged_seq = r->seq + 1;
	r->damaged_at = e->place;
}

/* The next log frame, or one that must be judged: a block from elsewhere may look like a frame; a
 * frame of ours that does not follow means that one before it is gone. */
static emr_status apply_entry(replay *r, const entry *e)
{
	EMR_AUTO_BUF body = {0};
	emr_frame frame;
	bool is_next = e->frame.seq == r->seq + 1 &&
		       memcmp(e->frame.chain, r->chain, sizeof r->chain) == 0;
	emr_status status = open_entry(r, e, &frame, &body);

	if (status == EMR_DAMAGED || status == EMR_NOT_FOUND) {
		if (is_next)
			note_damage(r, e);
		return EMR_OK;
	}
	if (status != EMR_OK)
		return status;
	if (!is_next) {
		note_damage(r, e);
		return EMR_OK;
	}
	status = emr_frame_apply(emr_buf_view(&body), &r->rows);
	if (status == EMR_DAMAGED) {
		note_damage(r, e);
		return EMR_OK;
	}
	if (status != EMR_OK)
		return status;
	r->seq = e->frame.seq;
	memcpy(r->chain, emr_cid_digest(&e->cid), sizeof r->chain);
	r->log_bytes += e->len;
	r->last = e->place;
	return EMR_OK;
}

static emr_status apply_log(replay *r)
{
	size_t count;
	const entry *all = entries(r, &count);

	for (size_t i = 0; i < count && r->damaged_seq == 0; i++)
		if (all[i].frame.type == EMR_FRAME_LOG && all[i].frame.seq > r->seq)
			EMR_TRY(apply_entry(r, &all[i]));
	return EMR_OK;
}

static emr_status build(replay *r, emr_log_place from)
{
	replay_reset(r);
	EMR_TRY(emr_store_each_frame(
		r->journal->store, from, "EMRJ", EMR_FRAME_HEAD, note_frame, r));
	EMR_TRY(find_base(r));
	return apply_log(r);
}

/* A frame whose first bytes rotted does not look like one.  Behind the last frame that would go
 * unseen. */
static emr_status verify_end(replay *r)
{
	emr_log_place damaged;
	emr_status status = emr_store_verify_from(r->journal->store, r->last, &damaged);

	if (status != EMR_DAMAGED)
		return status;
	if (r->damaged_seq == 0) {
		r->damaged_seq = r->seq + 1;
		r->damaged_at = damaged;
	}
	return EMR_OK;
}

static void take_over(replay *r, bool full)
{
	emr_journal *journal = r->journal;

	journal->rows = r->rows;
	r->rows = (emr_rows){0};
	journal->seq = journal->synced_seq = r->seq;
	memcpy(journal->chain, r->chain, sizeof journal->chain);
	journal->log_bytes = r->log_bytes;
	journal->state.read_only = r->damaged_seq != 0;
	journal->state.damaged_seq = r->damaged_seq;
	journal->state.damaged_at = r->damaged_at;
	journal->state.full_scan = full;
	if (r->damaged_seq != 0)
		emr_log(EMR_LOG_ERROR,
			"journal: frame %llu is damaged or missing, segment %llu at %llu",
			(unsigned long long)r->damaged_seq,
			(unsigned long long)r->damaged_at.number,
			(unsigned long long)r->damaged_at.offset);
}

emr_status emr_journal_replay(emr_journal *journal)
{
	AUTO_REPLAY r = {.journal = journal};
	emr_journal_head head;
	emr_status status = emr_journal_head_read(journal->store, &head);
	bool full = status != EMR_OK;

	if (status == EMR_NEWER_FORMAT || emr_status_is_local(status))
		return status;
	if (!full)
		status = build(&r, head.start);
	/* A head that does not lead to an unbroken log may be old: everything is looked at before
	 * damage is told. */
	if (full || (status == EMR_OK && (!r.has_base || r.damaged_seq != 0))) {
		full = true;
		status = build(&r, (emr_log_place){0});
	}
	if (status == EMR_OK)
		status = verify_end(&r);
	if (status != EMR_OK)
		return status;
	/* Only a snapshot makes older frames dead; a damaged log keeps every frame for salvage. */
	if (r.has_base && r.damaged_seq == 0)
		emr_store_frames_live_from(journal->store, full ? r.start : head.start);
	take_over(&r, full);
	journal->start = full ? (emr_log_place){.number = 1} : head.start;
	return EMR_OK;
}
