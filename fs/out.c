#include "cmd/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

emr_status emr_out_begin(const emr_args *args, emr_out *out)
{
	*out = (emr_out){.verb = args->verb,
		.is_json = args->given[EMR_OPT_JSON],
		.is_quiet = args->given[EMR_OPT_QUIET],
		.fields = json_object()};
	return out->fields != NULL ? EMR_OK : EMR_NO_MEMORY;
}

void emr_say(emr_out *out, const char *format, ...)
{
	va_list arguments;

	if (out->is_json || out->is_quiet)
		return;
	emr_progress_end(out);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
}

static void print_problem(const emr_problem *problem)
{
	fflush(stdout);
	fprintf(stderr, "emrfs: %s%s%s\n", problem->text, problem->hint[0] != '\0' ? "  " : "",
		problem->hint);
}

void emr_remark(emr_out *out, const emr_problem *problem)
{
	if (out->is_json || out->is_quiet)
		return;
	emr_progress_end(out);
	print_problem(problem);
}

void emr_progress(emr_out *out, const char *format, ...)
{
	va_list arguments;

	if (out->is_json || out->is_quiet || !isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fflush(stderr);
	out->progress_shown = true;
}

void emr_progress_end(emr_out *out)
{
	if (out->progress_shown)
		fputs("\r\033[K", stderr);
	out->progress_shown = false;
}

void emr_out_put(emr_out *out, const char *name, json_t *value)
{
	/* What could not be put shows as a missing object at the end. */
	if (out->fields == NULL || json_object_set_new(out->fields, name, value) == 0)
		return;
	json_decref(out->fields);
	out->fields = NULL;
}

json_t *emr_json_text(const char *text)
{
	char shown[4096];
	json_t *value = json_string(text);

	if (value != NULL)
		return value;
	emr_show(text, shown, sizeof shown);
	return json_string(shown);
}

void emr_out_text(emr_out *out, const char *name, const char *text)
{
	emr_out_put(out, name, emr_json_text(text));
}

void emr_out_number(emr_out *out, const char *name, uint64_t number)
{
	emr_out_put(out, name, json_integer((json_int_t)number));
}

void emr_out_flag(emr_out *out, const char *name, bool flag)
{
	emr_out_put(out, name, json_boolean(flag));
}

int emr_out_fail(emr_out *out, const emr_problem *problem)
{
	emr_progress_end(out);
	out->problem = *problem;
	if (!out->is_json)
		print_problem(problem);
	return (int)emr_message_get(problem->message)->exit;
}

/* The fixed part first, then the verb's own fields. */
static json_t *whole_object(const emr_out *out, int code)
{
	const emr_problem *problem = &out->problem;
	json_t *object = json_pack("{s:i, s:s, s:b}", "emrfs", 1, "verb",
		emr_verb_get(out->verb)->name, "ok", code == EMR_EXIT_DONE);
	json_t *more = NULL;

	if (code != EMR_EXIT_DONE && problem->is_set)
		more = json_pack("{s:i, s:s, s:s, s:s, s:s}", "exit", code, "error",
			emr_message_get(problem->message)->id, "message", problem->text, "hint",
			problem->hint, "path", problem->path);
	else if (code != EMR_EXIT_DONE)
		more = json_pack("{s:i}", "exit", code);
	if (object == NULL ||
		(code != EMR_EXIT_DONE &&
			(more == NULL || json_object_update(object, more) != 0)) ||
		json_object_update(object, out->fields) != 0) {
		json_decref(object);
		object = NULL;
	}
	json_decref(more);
	return object;
}

int emr_out_end(emr_out *out, int code)
{
	emr_progress_end(out);
	if (out->is_json && !out->is_spoken) {
		json_t *object = out->fields != NULL ? whole_object(out, code) : NULL;

		if (object == NULL || json_dumpf(object, stdout, JSON_COMPACT) != 0 ||
			putchar('\n') == EOF)
			code = EMR_EXIT_FAILED;
		json_decref(object);
	}
	json_decref(out->fields);
	out->fields = NULL;
	out->is_spoken = true;
	if (fflush(stdout) != 0 || ferror(stdout))
		return code != EMR_EXIT_DONE ? code : EMR_EXIT_FAILED;
	return code;
}
