/* This file reads what folders say about programs that read on their own (thumbnailers,
 * indexers), decides whether one is let in, and tells the person once of each that was refused. */
#include "view/software.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attributes.h"
#include "edit.h"
#include "kind.h"

#define TOLD_MAX 64 /* programs; who starts more than that under ever new names is told no more */

static emr_bytes key(void)
{
	return emr_bytes_of(SOFTWARE_KEY, sizeof SOFTWARE_KEY - 1);
}

static bool equals(emr_bytes value, const char *word)
{
	return value.len == strlen(word) && memcmp(value.data, word, value.len) == 0;
}

/* The next name of REST, without the spaces around it; false at the end. */
static bool next_name(emr_bytes *rest, emr_bytes *out_name)
{
	const uint8_t *comma;
	emr_bytes name;

	if (rest->data == NULL)
		return false;
	comma = rest->len > 0 ? memchr(rest->data, ',', rest->len) : NULL;
	name = emr_bytes_of(rest->data, comma != NULL ? (size_t)(comma - rest->data) : rest->len);
	*rest = comma != NULL ? emr_bytes_of(comma + 1, rest->len - name.len - 1) : (emr_bytes){0};
	while (name.len > 0 && name.data[0] == ' ')
		name = emr_bytes_of(name.data + 1, name.len - 1);
	while (name.len > 0 && name.data[name.len - 1] == ' ')
		name.len--;
	*out_name = name;
	return true;
}

emr_status emr_software_check(emr_bytes value)
{
	emr_bytes name;

	if (value.len == 0 || value.len > EMR_SOFTWARE_VALUE_MAX)
		return EMR_INVALID;
	while (next_name(&value, &name)) {
		if (name.len == 0 || name.len >= EMR_SOFTWARE_NAME_BYTES)
			return EMR_INVALID;
		for (size_t i = 0; i < name.len; i++)
			if (name.data[i] <= ' ' || name.data[i] == 0x7f || name.data[i] == '/')
				return EMR_INVALID;
	}
	return EMR_OK;
}

bool emr_software_admits(emr_bytes value, const char *program)
{
	emr_bytes name;

	if (equals(value, "allow"))
		return true;
	if (equals(value, "refuse"))
		return false;
	while (next_name(&value, &name))
		if (equals(name, program))
			return true;
	return false;
}

/* Whether VALUE lets in a program that BEFORE keeps out; both are whole policies. */
static bool policy_widens(emr_bytes before, emr_bytes value)
{
	emr_bytes name;

	if (equals(before, "allow") || equals(value, "refuse"))
		return false;
	if (equals(before, "refuse") || equals(value, "allow"))
		return true;
	while (next_name(&value, &name)) {
		char program[EMR_SOFTWARE_NAME_BYTES];

		if (name.len >= sizeof program)
			return true;
		memcpy(program, name.data, name.len);
		program[name.len] = 0;
		if (!emr_software_admits(before, program))
			return true;
	}
	return false;
}

/* ---- what holds at a node.  Under view->lock. */

static emr_bytes policy_above(const emr_view *view, const node *n);

emr_bytes software_policy_at(const emr_view *view, const node *n, const node **out_directory)
{
	emr_bytes value;

	if (kind_where(n)->policy != NULL) {
		*out_directory = NULL;
		return kind_where(n)->policy->said(view, n, &value) ? value : policy_above(view, n);
	}
	if (kind_of(n)->today != NULL)
		n = kind_of(n)->today(view, n);
	if (n == NULL) { /* not known where it lay: nobody is let in by mistake */
		*out_directory = view->root;
		return emr_bytes_of("refuse", 6);
	}
	for (; n != NULL; n = n->parent)
		if (n->type == EMR_META_DIR &&
			emr_xattr_find(node_attributes(n), key(), &value) == EMR_OK) {
			*out_directory = n;
			return value;
		}
	/* All of it is one's own. */
	*out_directory = view->root;
	return emr_bytes_of("allow", 5);
}

/* The policy for the directory N when it says nothing itself. */
static emr_bytes policy_above(const emr_view *view, const node *n)
{
	const node *directory;

	if (kind_where(n)->policy != NULL)
		return kind_where(n)->policy->above(view, n);
	return n->parent != NULL ? software_policy_at(view, n->parent, &directory)
				 : emr_bytes_of("allow", 5);
}

bool software_widens(const emr_view *view, const node *n, emr_bytes value)
{
	const node *directory;
	emr_bytes said = emr_bytes_of("refuse", 6), own;

	if (value.len == 0)
		return policy_widens(
			software_policy_at(view, n, &directory), policy_above(view, n));
	/* Programs that the folders around N let in do not count: N goes on letting them in when
	 * those are closed. */
	if (kind_where(n)->policy != NULL)
		(void)kind_where(n)->policy->said(view, n, &said);
	else if (emr_xattr_find(node_attributes(n), key(), &own) == EMR_OK)
		said = own;
	return policy_widens(said, value);
}

void software_tell_unconfirmed(emr_view *view, uint64_t number, emr_bytes value)
{
	char *folder = NULL, text[EMR_SOFTWARE_VALUE_MAX + 1] = "";
	const node *n;

	if (view->options.software_unconfirmed == NULL || value.len >= sizeof text)
		return;
	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n != NULL && (shared_has(n) || n->state == NODE_LIVE) &&
		refusals_may_tell(view, REFUSAL_SOFTWARE))
		folder = kind_path(n);
	pthread_mutex_unlock(&view->lock);
	if (value.len > 0)
		memcpy(text, value.data, value.len);
	if (folder != NULL)
		view->options.software_unconfirmed(view->options.notice_arg, folder, text);
	free(folder);
}

bool emr_view_guards_software(emr_view *view, uint64_t number)
{
	const node *directory;
	bool guards = false;
	node *n;
	EMR_LOCKED(&view->lock);

	n = tree_by_number(view, number);
	if (n != NULL && n->type == EMR_META_FILE && kind_of(n)->make == NULL)
		guards = !equals(software_policy_at(view, n, &directory), "allow");
	return guards;
}

/* Once a program; when memory or room runs out, not at all. */
static bool is_first_time(emr_view *view, const char *program)
{
	char **told;

	for (size_t i = 0; i < view->ntold; i++)
		if (strcmp(view->told[i], program) == 0)
			return false;
	if (view->ntold == TOLD_MAX)
		return false;
	told = realloc(view->told, (view->ntold + 1) * sizeof *told);
	if (told == NULL)
		return false;
	view->told = told;
	told[view->ntold] = strdup(program);
	if (told[view->ntold] == NULL)
		return false;
	view->ntold++;
	return true;
}

void software_forget_all(emr_view *view)
{
	for (size_t i = 0; i < view->ntold; i++)
		free(view->told[i]);
	free(view->told);
}

typedef struct refusal {
	char *path, *folder,
		*value; /* owned; VALUE would let the program in, with those that may already */
} refusal;

static refusal describe_refusal(
	const node *n, const node *directory, emr_bytes value, const char *program)
{
	refusal r = {0};
	bool is_list = !equals(value, "refuse");

	r.path = n->state == NODE_GONE ? strdup("") : kind_path(n);
	if (directory == NULL) /* the share itself: all of it or nothing */
		r.folder = kind_where(n)->policy->folder(n);
	else
		r.folder = directory->parent != NULL ? tree_path(directory) : strdup("");
	if (asprintf(&r.value, "%.*s%s%s", is_list ? (int)value.len : 0, (const char *)value.data,
		    is_list ? "," : "", program) < 0)
		r.value = NULL;
	return r;
}

emr_status emr_view_admit_software(emr_view *view, uint64_t number, const char *program)
{
	const node *directory;
	refusal r = {0};
	bool tells = false;
	emr_status status = EMR_OK;
	emr_bytes value;
	node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n != NULL && n->type == EMR_META_FILE && kind_of(n)->make == NULL) {
		value = software_policy_at(view, n, &directory);
		status = emr_software_admits(value, program) ? EMR_OK : EMR_DENIED;
		if (status == EMR_DENIED && kind_where(n)->policy != NULL)
			kind_where(n)->policy->note_refused(view, n, program);
		tells = status == EMR_DENIED && view->options.software_refused != NULL &&
			is_first_time(view, program);
		if (tells)
			r = describe_refusal(n, directory, value, program);
	}
	pthread_mutex_unlock(&view->lock);
	if (tells && r.path != NULL && r.folder != NULL && r.value != NULL)
		view->options.software_refused(
			view->options.notice_arg, program, r.path, r.folder, r.value);
	free(r.path);
	free(r.folder);
	free(r.value);
	return status;
}
