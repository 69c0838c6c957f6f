/*
 * cyrescue/problem-table.h - the rows; cyrescue/problem.h explains them
 *
 * Sorted by id within a family: CF configuration, FS file system, MB mailbox,
 * HD cyrus.header, IX cyrus.index, EX cyrus.expunge, CA cyrus.cache, DB
 * databases, CD configdirectory, ML message files. Numbers of a format's
 * invariant are those of docs/formats/.
 */
#ifndef CYRESCUE_PROBLEM_TABLE_H
#define CYRESCUE_PROBLEM_TABLE_H

/* clang-format off */
#define CYRE_PROBLEMS(X) \
	CYRE_PROBLEMS_CF(X) \
	CYRE_PROBLEMS_FS(X) \
	CYRE_PROBLEMS_MB(X) \
	CYRE_PROBLEMS_HD(X) \
	CYRE_PROBLEMS_IX(X) \
	CYRE_PROBLEMS_EX(X) \
	CYRE_PROBLEMS_CA(X) \
	CYRE_PROBLEMS_DB(X) \
	CYRE_PROBLEMS_CD(X) \
	CYRE_PROBLEMS_ML(X)

/* ---- imapd.conf (docs/formats/layout.md section 1) ---- */
#define CYRE_PROBLEMS_CF(X) \
	X(CONF_SYNTAX, "CF-001", "conf-syntax", DAMAGE, ASK, \
	  "no option, or nothing but the name: $t", \
	  "The server does not start.", \
	  "The line was skipped; mend imapd.conf by hand.") \
	X(CONF_DUPLICATE_OPTION, "CF-002", "conf-duplicate-option", DAMAGE, ASK, \
	  "set a second time: $t", \
	  "The server does not start (2.2 and later).", \
	  "The first value was used; remove one of the two by hand.") \
	X(CONF_EMPTY_VALUE, "CF-003", "conf-empty-value", DAMAGE, ASK, \
	  "no value: $t", \
	  "The server does not start.", \
	  "The default was used; mend imapd.conf by hand.") \
	X(CONF_BAD_VALUE, "CF-004", "conf-bad-value", DAMAGE, ASK, \
	  "not a value this option can have: $t", \
	  "The server does not start.", \
	  "The default was used; mend imapd.conf by hand.") \
	X(CONF_INCLUDE, "CF-005", "conf-include", DAMAGE, ASK, \
	  "cannot include $t", \
	  "The server does not start; partitions may be missing from the report.", \
	  "Bring the file back, or name the directories with --spool and --confdir.") \
	X(CONF_INCLUDE_TWICE, "CF-006", "conf-include-twice", DAMAGE, ASK, \
	  "included a second time: $t", \
	  "The server does not start.", \
	  "Read once; remove one of the two by hand.") \
	X(CONF_SERVICE_LOCATION, "CF-007", "conf-service-specific-location", NOTE, NONE, \
	  "holds for one service alone and was not followed: $t", \
	  "Nothing, unless that service keeps mailboxes elsewhere.", \
	  "None needed; scan that place with a configuration of its own.") \
	X(CONF_NO_PARTITION, "CF-008", "conf-no-partition", DAMAGE, ASK, \
	  "imapd.conf has no $t", \
	  "The server does not start; no mailbox can be found.", \
	  "Mend imapd.conf, or name the directories with --spool.") \
	X(CONF_NO_DATA_ROOT, "CF-009", "conf-no-data-root", DAMAGE, ASK, \
	  "partition $t has a metadata or archive directory, but no partition- line", \
	  "The mailboxes of this partition cannot be opened.", \
	  "Mend imapd.conf by hand.") \
	X(CONF_RELATIVE_PATH, "CF-010", "conf-relative-path", DAMAGE, ASK, \
	  "not an absolute path: $t", \
	  "Each process of the server may look in another place.", \
	  "The option was not followed; mend imapd.conf by hand.") \
	X(CONF_SHARED_ROOT, "CF-011", "conf-shared-root", DAMAGE, ASK, \
	  "also the directory of another partition: $t", \
	  "Mailboxes of the two partitions overwrite each other.", \
	  "Walked once, for the first partition; mend imapd.conf by hand.") \
	X(CONF_HASH_UNUSED, "CF-012", "conf-hash-unused", NOTE, NONE, \
	  "$a directories are hashed $t, none as imapd.conf says", \
	  "Nothing on a 2.1 server, whose build decides; a later one finds none of these mailboxes.", \
	  "None needed; read as they are.")

/* ---- file system: what gather met while reading ---- */
#define CYRE_PROBLEMS_FS(X) \
	X(FILE_UNREADABLE, "FS-001", "file-unreadable", DAMAGE, NONE, \
	  "reading failed: $t", \
	  "Part of this mailbox could not be read from the disk.", \
	  "None: the disk or the permissions must be mended first; the scan went on without this file.") \
	X(DIRECTORY_UNREADABLE, "FS-002", "directory-unreadable", DAMAGE, NONE, \
	  "listing failed: $t", \
	  "The contents of this directory are unknown; mailboxes below it may be missing from the report.", \
	  "None: mend the disk or the permissions, then scan again.") \
	X(NOT_REGULAR, "FS-003", "not-a-regular-file", DAMAGE, ASK, \
	  "a $t stands where a regular file belongs", \
	  "The server would follow or open something that is not mail data.", \
	  "Never opened. Look at it by hand; with --accept all what stands in the place of a metadata file is moved to the quarantine and the file built again.") \
	X(WRONG_OWNER, "FS-004", "wrong-owner", DAMAGE, EXACT, \
	  "owned by $a:$t, the spool by uid $e", \
	  "The server may be unable to open the mailbox although its data is intact.", \
	  "Owner and group set to those of the neighbours.") \
	X(WRONG_MODE, "FS-005", "wrong-mode", DAMAGE, EXACT, \
	  "mode $t: the owner cannot read and write it", \
	  "The server cannot open the mailbox although its data is intact.", \
	  "Mode set as on the neighbours.") \
	X(LOST_FOUND, "FS-006", "lost-found-entries", DAMAGE, ASK, \
	  "entries in lost+found: $a", \
	  "fsck moved files here whose names it lost; some may belong to mailboxes that miss files.", \
	  "Look at each with cyrshow; matching them to mailboxes comes with cyrfind.") \
	X(FILE_TOO_BIG, "FS-007", "file-too-big", DAMAGE, NONE, \
	  "larger than the limit of $e bytes", \
	  "This file was not examined.", \
	  "Run again with a larger --memory.") \
	X(LOST_FOUND_UNREADABLE, "FS-008", "lost-found-unreadable", NOTE, NONE, \
	  "not allowed to look into $t", \
	  "Nothing; whether fsck moved files there is not known.", \
	  "None needed; run as root to know.")

/* ---- mailbox: directory, name, what belongs together ---- */
#define CYRE_PROBLEMS_MB(X) \
	X(UNIQUEID_DUPLICATE, "MB-001", "uniqueid-duplicate", DAMAGE, ASK, \
	  "uniqueid $t is also that of another mailbox", \
	  "Seen marks and synchronisation of the two mailboxes mix.", \
	  "Left as it is: which of them is the copy, a person must say.") \
	X(NAME_MISPLACED, "MB-002", "fs-bad-hash-dir", DAMAGE, ASK, \
	  "the directory is not where the server looks for $t", \
	  "The server does not find this mailbox.", \
	  "Move the directory, or mend hashimapspool/fulldirhash in imapd.conf.") \
	X(NAME_DISAGREES, "MB-003", "mailbox-name-disagrees", NOTE, NONE, \
	  "cyrus.header names $t (docs/formats/errata.md)", \
	  "Nothing: the server does not write this header again when it renames a mailbox.", \
	  "None needed; the directory is right.") \
	X(UNIQUEID_MISFILED, "MB-004", "fs-misfiled-uniqueid", DAMAGE, RULE, \
	  "the directory says one uniqueid, cyrus.header says $t", \
	  "The server may open the wrong mailbox, or none.", \
	  "The directory's id wins.") \
	X(UNIQUEID_INVALID_DIR, "MB-005", "fs-invalid-uniqueid", DAMAGE, ASK, \
	  "uuid directory with the impossible name $t", \
	  "This directory cannot belong to a mailbox.", \
	  "Look at its contents by hand.") \
	X(SPLIT_COPY, "MB-006", "metadata-in-two-places", NOTE, NONE, \
	  "$t also stands in the other root; the configured one is used", \
	  "Nothing: an old copy is lying about.", \
	  "None needed; kept as evidence for a rebuild.") \
	X(LEFTOVER_NEW, "MB-007", "leftover-new", NOTE, NONE, \
	  "$t was left by an interrupted rewrite", \
	  "Nothing: the server ignores it.", \
	  "None needed; a rebuild uses it as evidence.") \
	X(ODD_FILE, "MB-008", "odd-file", NOTE, NONE, \
	  "$t is no file of Cyrus", \
	  "Nothing: the server ignores it.", \
	  "Left alone.") \
	X(STAGE_LEFTOVER, "MB-009", "stage-leftovers", NOTE, NONE, \
	  "$a unfinished deliveries in $t", \
	  "Nothing: these messages were not acknowledged and will be sent again.", \
	  "Left alone; they may be deleted when the server is stopped.") \
	X(EMPTY_MAILBOX_DIR, "MB-010", "mailbox-without-metadata", DAMAGE, RULE, \
	  "$a message files, but neither cyrus.header nor cyrus.index", \
	  "The mailbox cannot be opened; all its messages are on the disk.", \
	  "Header and index are built again from the messages and whatever else is known.") \
	X(MAILBOX_TWICE, "MB-011", "mailbox-twice", DAMAGE, ASK, \
	  "$t exists on another partition too", \
	  "An interrupted move: mail may be in either copy.", \
	  "mailboxes.db decides which is used; compare both by hand.") \
	X(SPOOL_WITHOUT_META, "MB-012", "spool-dir-no-meta-dir", DAMAGE, RULE, \
	  "the metadata partition has no directory for this mailbox", \
	  "The mailbox cannot be opened; all its messages are on the disk.", \
	  "The directory and its metadata are built again.") \
	X(ARCHIVE_WITHOUT_META, "MB-013", "archive-dir-no-meta-dir", DAMAGE, RULE, \
	  "an archive directory without a mailbox", \
	  "Archived messages that no mailbox refers to.", \
	  "The mailbox is built again from its archived messages.") \
	X(PATH_NO_NAME, "MB-014", "mailbox-path-no-name", DAMAGE, ASK, \
	  "mail lies where no mailbox can be: $t", \
	  "The server does not know of these messages.", \
	  "Look at the directory by hand; it may have been moved or renamed.") \
	X(META_ELSEWHERE, "MB-015", "metadata-elsewhere", DAMAGE, EXACT, \
	  "$t is not where imapd.conf has it, but below another root", \
	  "The server does not find this file.", \
	  "Read from where it is; written where it belongs.") \
	X(ODD_FILES_MANY, "MB-016", "odd-files-many", NOTE, NONE, \
	  "$a more odd files, not named here", \
	  "Nothing: the server ignores them.", \
	  "Left alone.") \
	X(ANNOTATIONS_UNREADABLE, "MB-017", "annotations-unreadable", DAMAGE, RULE, \
	  "$l bytes that are no database", \
	  "Annotations (notes, colours, calendar data) of messages cannot be read; the server may refuse the mailbox.", \
	  "What can still be read is written again; where that is nothing, the file is taken away.") \
	X(DIR_NO_ENTRY, "MB-018", "meta-dir-no-db-entry", DAMAGE, RULE, \
	  "mailboxes.db has no entry that leads here", \
	  "The server does not know this mailbox: it cannot be opened, and takes no mail.", \
	  "The entry is made again from cyrus.header and the directory.") \
	X(ENTRY_NO_DIR, "MB-019", "db-entry-no-meta-dir", LOSS, ASK, \
	  "mailboxes.db lists it, and there is no such directory", \
	  "The mailbox cannot be opened; the mail it held is not where it was.", \
	  "Look for the directory in lost+found and in backups.") \
	X(ENTRY_EMPTY_DIR, "MB-020", "db-entry-empty-dir", LOSS, ASK, \
	  "mailboxes.db lists it, and its directory holds neither mail nor metadata", \
	  "The mailbox cannot be opened; the mail it held is not where it was.", \
	  "Look for its files in lost+found and in backups; if it held none, it is built again empty.") \
	X(ENTRY_PARTITION, "MB-021", "db-partition-disagrees", DAMAGE, RULE, \
	  "mailboxes.db has it on partition $t", \
	  "The server looks on the other partition, and cannot open the mailbox.", \
	  "The entry gets the partition where the directory is.") \
	X(ENTRY_UNIQUEID_DISAGREES, "MB-022", "db-uniqueid-disagrees", DAMAGE, ASK, \
	  "mailboxes.db has the uniqueid $t, cyrus.header another one", \
	  "Seen marks and annotations may be detached from the mailbox.", \
	  "The one that seen states and annotations have is right; mend the other by hand.") \
	X(ENTRY_NAME_DISAGREES, "MB-023", "db-name-disagrees", DAMAGE, ASK, \
	  "mailboxes.db calls it $t, cyrus.header something else", \
	  "A renaming was interrupted, or the mail of one mailbox is shown as another.", \
	  "Look whose mail it is; the server goes by mailboxes.db.") \
	X(ENTRY_TYPE_DISAGREES, "MB-024", "db-type-disagrees", DAMAGE, ASK, \
	  "mailboxes.db has the type $t, cyrus.header another one", \
	  "A calendar or address book may be shown as mail, or the other way round.", \
	  "Look what is in it; the server goes by mailboxes.db.") \
	X(ENTRY_ACL_DISAGREES, "MB-025", "db-acl-disagrees", STALE, ASK, \
	  "mailboxes.db has other rights than cyrus.header: $t", \
	  "Nothing at once: the server answers from mailboxes.db.", \
	  "Look at the rights; the next change of them writes both.") \
	X(ENTRY_ACL_OLD, "MB-026", "db-acl-disagrees-old", NOTE, NONE, \
	  "mailboxes.db has other rights than cyrus.header: $t (docs/formats/errata.md)", \
	  "Nothing: up to 2.3 a renaming leaves the header as it was.", \
	  "None needed; mailboxes.db is right.") \
	X(ENTRY_UIDVALIDITY_DISAGREES, "MB-027", "db-uidvalidity-disagrees", DAMAGE, RULE, \
	  "UIDVALIDITY is $e in mailboxes.db, $a in the index", \
	  "Clients may download the whole mailbox again.", \
	  "The index is right: clients were told its value; mailboxes.db takes it over when it is rebuilt.") \
	X(QUOTAROOT_MISSING, "MB-028", "quota-root-missing", STALE, RULE, \
	  "the quota root is $t, of which there is no record", \
	  "The mailbox is charged to no quota, or delivery fails when it is looked up.", \
	  "The root is made again, without the limit it had; or quota -f takes the longest one above the mailbox.") \
	X(QUOTAROOT_OTHER, "MB-029", "quota-root-disagrees", STALE, RULE, \
	  "it should be charged to the quota root $t", \
	  "The mailbox is charged to another quota, or to none.", \
	  "The longest quota root above the mailbox is taken, as quota -f does, and what is used counted again.") \
	X(ARCHIVE_LEFT, "MB-030", "archive-dir-left", NOTE, NONE, \
	  "archived messages of a mailbox that is not here any more: $t (docs/formats/errata.md)", \
	  "Nothing: the mailbox was deleted, renamed or moved; its archive partition was not cleared.", \
	  "None needed; remove the directory by hand when nothing in it is missed.")

/* ---- cyrus.header (docs/formats/header.md section 7) ---- */
#define CYRE_PROBLEMS_HD(X) \
	X(HEADER_MISSING, "HD-001", "header-missing", DAMAGE, RULE, \
	  "there is no cyrus.header", \
	  "The mailbox cannot be opened.", \
	  "Built again from mailboxes.db and the index; names of keywords may be lost.") \
	X(HEADER_MAGIC, "HD-002", "header-magic", DAMAGE, RULE, \
	  "does not begin as a header does: $l bytes differ, the first at $o", \
	  "The mailbox cannot be opened.", \
	  "What is readable behind the first lines is kept; the rest comes from mailboxes.db and the index.") \
	X(HEADER_NO_UNIQUEID, "HD-004", "header-no-uniqueid", DAMAGE, RULE, \
	  "there is no uniqueid", \
	  "Some releases refuse to open the mailbox; users' seen marks are detached from it.", \
	  "Taken from mailboxes.db or the directory; for a 2.x mailbox computed from name and UIDVALIDITY; else made new.") \
	X(HEADER_EMPTY, "HD-005", "header-empty", DAMAGE, RULE, \
	  "the file has no bytes", \
	  "The mailbox cannot be opened.", \
	  "Built again from mailboxes.db and the index; names of keywords may be lost.") \
	X(HEADER_NUL, "HD-006", "header-nul", DAMAGE, RULE, \
	  "$l bytes are zero, the first at $o", \
	  "Part of the header was lost in a crash; the mailbox may not open.", \
	  "What is readable is kept; the rest comes from mailboxes.db and the index.") \
	X(HEADER_TRUNCATED, "HD-007", "header-truncated", DAMAGE, RULE, \
	  "the file ends at $o, after $a of $e lines", \
	  "The mailbox cannot be opened, or misses rights or keywords.", \
	  "What is there is kept; the rest comes from mailboxes.db and the index.") \
	X(HEADER_SYNTAX, "HD-008", "header-syntax", DAMAGE, RULE, \
	  "the list is not well-formed at offset $o", \
	  "The server reads only part of the header, or none of it.", \
	  "Read past the bad place; what stays unknown comes from mailboxes.db and the index.") \
	X(HEADER_UNIQUEID_ODD, "HD-009", "header-uniqueid-odd", DAMAGE, RULE, \
	  "the uniqueid is $t, which no release makes", \
	  "Users' seen marks may be detached from the mailbox.", \
	  "Taken from mailboxes.db or the directory; for a 2.x mailbox computed from name and UIDVALIDITY.") \
	X(HEADER_FLAG_NAME, "HD-010", "header-flag-name", DAMAGE, RULE, \
	  "the name of user flag $a cannot be a keyword: $t", \
	  "The server's reconstruct would take this keyword (tag) off every message.", \
	  "A placeholder name keeps the bit, so that nothing else moves.") \
	X(HEADER_FLAG_HOLE, "HD-011", "header-flag-hole", DAMAGE, RULE, \
	  "user flag $a has no name, a later one has", \
	  "Up to 3.4 the next change gives each later keyword the messages of another.", \
	  "A placeholder name fills the slot, so that nothing else moves.") \
	X(HEADER_FLAG_DUPLICATE, "HD-012", "header-flag-duplicate", DAMAGE, RULE, \
	  "user flags $e and $a are both named $t", \
	  "A keyword (tag) is missing from some messages that have it.", \
	  "The later slot gets a placeholder name.") \
	X(HEADER_FLAGS_TOO_MANY, "HD-013", "header-flags-too-many", DAMAGE, RULE, \
	  "$a names of user flags, there can be $e", \
	  "Releases from 3.6 on overrun their memory when they open the mailbox.", \
	  "The names past the limit are dropped: no bit stands for them.") \
	X(HEADER_ACL, "HD-014", "header-acl", DAMAGE, RULE, \
	  "the access rights are damaged: $t", \
	  "Somebody may have lost access to the mailbox, or gained it.", \
	  "Taken from mailboxes.db; without it the entries that are whole are kept.") \
	X(HEADER_LITERAL, "HD-015", "header-literal", DAMAGE, EXACT, \
	  "a value runs over the end of the line", \
	  "The server cannot read the header it wrote itself: the mailbox cannot be opened.", \
	  "Written again as a quoted string, which the server reads.") \
	X(HEADER_KEY_MISSING, "HD-016", "header-key-missing", STALE, EXACT, \
	  "the key $t, which is always written, is missing", \
	  "Nothing a customer sees at once.", \
	  "Taken from mailboxes.db or the mailbox's place.") \
	X(HEADER_TYPE, "HD-017", "header-type", DAMAGE, RULE, \
	  "the mailbox type is $t, which has letters that mean nothing", \
	  "The server stops when it opens the mailbox.", \
	  "Taken from mailboxes.db; without it the known letters are kept.") \
	X(HEADER_EXTRA, "HD-018", "header-extra", NOTE, NONE, \
	  "$l bytes at offset $o that no release writes", \
	  "Nothing: the server ignores them.", \
	  "None needed; kept when the header is written again.") \
	X(HEADER_QUOTAROOT, "HD-019", "header-quotaroot", STALE, RULE, \
	  "the quota root is $t, which is not above the mailbox", \
	  "The mailbox is charged to the wrong quota.", \
	  "The longest quota root above the mailbox is taken.")

/* ---- cyrus.index (docs/formats/index.md section 11) ---- */
#define CYRE_PROBLEMS_IX(X) \
	X(INDEX_MISSING, "IX-001", "index-missing", DAMAGE, RULE, \
	  "there is no cyrus.index", \
	  "The mailbox cannot be opened; flags may be lost, no mail is.", \
	  "Built again from the messages, the cache and whatever copies exist.") \
	X(INDEX_SHORT, "IX-002", "index-short", DAMAGE, RULE, \
	  "$a bytes, a header of this version takes $e", \
	  "The mailbox cannot be opened; flags may be lost, no mail is.", \
	  "Built again; every record whose checksum verifies is kept.") \
	X(INDEX_VERSION, "IX-003", "index-version", DAMAGE, RULE, \
	  "minor version $a is none that a server wrote", \
	  "The mailbox cannot be opened.", \
	  "The version is found by trial over the records.") \
	X(INDEX_HEADER_CRC, "IX-004", "index-header-crc", DAMAGE, RULE, \
	  "the header's checksum is $A, computed $E", \
	  "The mailbox cannot be opened; some of its totals may be wrong.", \
	  "Totals are counted again; values with no second copy are kept and marked.") \
	X(INDEX_COUNTERS, "IX-005", "index-counters", STALE, EXACT, \
	  "$t is $a, counted $e", \
	  "Totals shown to users are wrong; no mail is affected.", \
	  "Totals are counted again from the records.") \
	X(INDEX_FORMAT, "IX-006", "index-format", DAMAGE, EXACT, \
	  "format is $a, always 0", \
	  "Some releases refuse to open the mailbox.", \
	  "Set to 0.") \
	X(INDEX_SIZES, "IX-007", "index-record-size", DAMAGE, RULE, \
	  "$t is $a, version and checksums want $e", \
	  "The mailbox cannot be opened, or shows nonsense.", \
	  "Each known size is tried; the one whose records verify is taken.") \
	X(INDEX_TRUNCATED, "IX-008", "index-truncated", DAMAGE, RULE, \
	  "$a bytes, the header promises $e", \
	  "The mailbox cannot be opened; flags of its newest messages may be lost.", \
	  "The records that are there are kept, the missing ones built from the messages.") \
	X(INDEX_TRAILING, "IX-009", "index-trailing-bytes", NOTE, NONE, \
	  "$l bytes behind the last record", \
	  "Nothing: the server overwrites them.", \
	  "None needed.") \
	X(INDEX_UNCOMMITTED, "IX-010", "index-uncommitted-records", STALE, RULE, \
	  "$a good records behind the last one the header counts", \
	  "Messages that arrived just before the crash are not shown.", \
	  "Taken in with their flags.") \
	X(INDEX_WIDE_V19, "IX-011", "index-wide-v19", NOTE, NONE, \
	  "version 19 with records of 144 bytes (docs/formats/errata.md)", \
	  "Nothing.", \
	  "Read as the server reads it; written anew in its true form at the next rebuild.") \
	X(INDEX_RECORD_CRC, "IX-012", "index-record-crc", DAMAGE, RULE, \
	  "record $l: the checksum is $A, computed $E", \
	  "Flags or dates of one message may be wrong; the server may refuse the message.", \
	  "What the message file proves is derived again; other fields are kept if in range, and marked.") \
	X(INDEX_RECORD_ZEROED, "IX-013", "index-record-zeroed", DAMAGE, RULE, \
	  "record $l is all zeros", \
	  "Flags of one message are lost; the mailbox may not open.", \
	  "Built again from the message and the cache.") \
	X(INDEX_UID_ZERO, "IX-014", "index-uid-zero", DAMAGE, RULE, \
	  "record $l has no uid", \
	  "A message may be invisible.", \
	  "The record is matched to its message by GUID and size, else dropped.") \
	X(INDEX_UID_ORDER, "IX-015", "index-uid-order", DAMAGE, RULE, \
	  "record $l: uid $a follows uid $e", \
	  "Clients may show messages twice or not at all.", \
	  "Sorted by uid; of two the one that matches its message is kept.") \
	X(INDEX_RECORD_WIPED, "IX-016", "index-record-wiped", NOTE, NONE, \
	  "record $l was wiped by the server's reconstruct", \
	  "Nothing; its message came back under a new uid.", \
	  "None needed.") \
	X(INDEX_RECORD_IMPLAUSIBLE, "IX-017", "index-record-implausible", DAMAGE, RULE, \
	  "record $l: $t is $a, which cannot be", \
	  "Flags or dates of one message may be wrong.", \
	  "What the message file proves is derived again.") \
	X(INDEX_LAST_UID, "IX-018", "index-last-uid-low", DAMAGE, RULE, \
	  "last_uid is $a, a message has uid $e", \
	  "New mail could take a number already used.", \
	  "last_uid is raised to the highest uid seen anywhere.") \
	X(INDEX_MODSEQ_FUTURE, "IX-019", "index-modseq-future", STALE, EXACT, \
	  "record $l: modseq $a, highestmodseq is $e", \
	  "Synchronising clients may miss changes.", \
	  "highestmodseq is raised.") \
	X(INDEX_MODSEQ_ZERO, "IX-020", "index-modseq-zero", STALE, EXACT, \
	  "record $l: modseq is 0", \
	  "Synchronising clients may miss changes.", \
	  "Set to 1, as the server does.") \
	X(MESSAGE_FILE_MISSING, "IX-021", "message-file-missing", LOSS, ASK, \
	  "the index lists the message, there is no file for it", \
	  "A listed message is not on the disk.", \
	  "Kept in the index and reported; look for it in lost+found and backups. --accept all marks it expunged.") \
	X(MESSAGE_NO_RECORD, "IX-022", "message-no-record", DAMAGE, RULE, \
	  "the file is there, the index does not list it", \
	  "A message exists but no client sees it.", \
	  "Added under the uid of its name when its record can have been lost.") \
	X(INDEX_DELETEDMODSEQ, "IX-023", "index-deletedmodseq", STALE, RULE, \
	  "deletedmodseq is $a, highestmodseq is $e", \
	  "Synchronising clients fetch the mailbox again.", \
	  "highestmodseq is raised.") \
	X(INDEX_CREATEDMODSEQ, "IX-024", "index-createdmodseq", STALE, RULE, \
	  "$t: createdmodseq is $a, modseq is $e", \
	  "Nothing a customer sees.", \
	  "Lowered to the modseq.") \
	X(INDEX_UIDVALIDITY_ZERO, "IX-025", "index-uidvalidity-zero", DAMAGE, RULE, \
	  "uidvalidity is 0", \
	  "Clients download the whole mailbox again.", \
	  "Taken from mailboxes.db or the uniqueid, else made new.") \
	X(INDEX_UIDVALIDITY_FUTURE, "IX-026", "index-uidvalidity-future", NOTE, NONE, \
	  "uidvalidity is $a, which as a time lies ahead", \
	  "Nothing: it is a number that only must not change.", \
	  "Kept.") \
	X(INDEX_DATE_ZERO, "IX-027", "index-date-zero", STALE, EXACT, \
	  "$t is 0", \
	  "A date shown to the user is wrong.", \
	  "Derived from the message file.") \
	X(INDEX_DATE_FUTURE, "IX-028", "index-date-future", NOTE, NONE, \
	  "$t is $a, which lies ahead", \
	  "A date shown to the user may be wrong; the server's clock was, perhaps.", \
	  "Kept.") \
	X(INDEX_QUOTA_USED, "IX-029", "index-quota-used", STALE, EXACT, \
	  "$t is $a, summed $e", \
	  "The customer's quota is charged wrongly; mail may be refused.", \
	  "Summed again.") \
	X(INDEX_FLAG_BITS, "IX-030", "index-flag-bits", DAMAGE, RULE, \
	  "record $l: flag word $A has bits that mean nothing", \
	  "Flags of one message may be wrong.", \
	  "The unknown bits are cleared.") \
	X(INDEX_FLAG_UNNAMED, "IX-031", "index-flag-unnamed", DAMAGE, RULE, \
	  "user flag $a is set on $e messages, cyrus.header has no name for it", \
	  "A keyword (tag) set by the user has lost its name.", \
	  "A placeholder name keeps the bit, so that nothing else moves.") \
	X(INDEX_UNLINKED_ALIVE, "IX-032", "index-unlinked-not-expunged", DAMAGE, RULE, \
	  "record $l is unlinked but not expunged", \
	  "A message is listed whose file was removed.", \
	  "Treated as expunged, if there is no file.") \
	X(INDEX_FIRST_EXPUNGED, "IX-033", "index-first-expunged", STALE, EXACT, \
	  "first_expunged is $a, an expunged record is of $e", \
	  "Deleted mail stays on the disk for ever.", \
	  "Computed again.") \
	X(INDEX_DELETED_OPTION, "IX-034", "index-deleted-option", DAMAGE, ASK, \
	  "the option MAILBOX_DELETED is set", \
	  "The server will remove every file of this mailbox when it next closes it.", \
	  "Cleared with --accept all, when mailboxes.db lists the mailbox.") \
	X(INDEX_OPTIONS, "IX-035", "index-options", STALE, EXACT, \
	  "options $A has bits that mean nothing", \
	  "Nothing a customer sees.", \
	  "The unknown bits are cleared.") \
	X(INDEX_SYNC_CRC, "IX-036", "index-sync-crc", STALE, EXACT, \
	  "$t is $A, computed $E", \
	  "Replication compares the whole mailbox again.", \
	  "Computed again.") \
	X(INDEX_HEADER_FILE_CRC, "IX-037", "index-header-file-crc", STALE, EXACT, \
	  "the index expects cyrus.header with checksum $A, it has $E", \
	  "Cyrus 2.4 refuses to open the mailbox; later releases only log it.", \
	  "Written again once cyrus.header is known to be good.") \
	X(INDEX_RECENT, "IX-038", "index-recentuid", STALE, EXACT, \
	  "recentuid is $a, last_uid is $e", \
	  "New messages may not be shown as recent.", \
	  "Lowered to last_uid.") \
	X(INDEX_HEADER_SIZE, "IX-039", "index-header-size", DAMAGE, EXACT, \
	  "record $l: $t is $a, the message has $e", \
	  "One message may be shown cut or garbled.", \
	  "Derived from the message file.") \
	X(INDEX_CLEANUP, "IX-040", "index-cleanup-pending", NOTE, NONE, \
	  "the file of an expunged message is still there, no option asks for its removal", \
	  "Nothing: disk space only.", \
	  "Left alone; the server's next repack removes it.") \
	X(INDEX_MODSEQ_SHIFTED, "IX-041", "index-modseq-shifted", NOTE, NONE, \
	  "record $l: modseq $a stored in the wrong half (docs/formats/errata.md)", \
	  "Nothing: Cyrus 2.5 to 3.1 wrote it so.", \
	  "Read as meant.") \
	X(INDEX_GUID_NULL, "IX-042", "index-guid-null", STALE, EXACT, \
	  "record $l has no GUID", \
	  "Nothing a customer sees; replication and conversations miss the message.", \
	  "Computed from the message file.") \
	X(MESSAGE_SIZE, "IX-043", "message-size", DAMAGE, RULE, \
	  "the index says $e bytes, the file has $a", \
	  "One message is cut, or is not the one the index describes.", \
	  "The file is never touched; the record is derived from it again and marked.") \
	X(INDEX_HIGHESTMODSEQ_ZERO, "IX-044", "index-highestmodseq-zero", STALE, EXACT, \
	  "highestmodseq is 0", \
	  "Synchronising clients may miss changes.", \
	  "Set to the highest modseq of the records, at least 1.") \
	X(INDEX_SPARE, "IX-045", "index-spare-bytes", NOTE, NONE, \
	  "spare bytes at offset $o are not zero", \
	  "Nothing.", \
	  "Cleared at the next rewrite.") \
	X(INDEX_ARCHIVED_SPOOL, "IX-046", "message-wrong-side", STALE, EXACT, \
	  "the flag says $t, the file is on the other side", \
	  "The server does not find the message although it is there.", \
	  "The flag is set to where the file is.") \
	X(MESSAGE_FILE_LEFT, "IX-047", "message-file-left", NOTE, NONE, \
	  "the file of a message that was deleted for good is still there", \
	  "Nothing: disk space only. Deleted mail must not come back.", \
	  "Left alone.") \
	X(INDEX_QUOTA_ANNOT, "IX-048", "index-quota-annot", STALE, RULE, \
	  "quota_annot_used is $a, the message annotations alone take $e", \
	  "The customer's annotation quota is charged wrongly.", \
	  "Counted again.") \
	X(INDEX_LAST_UID_JUMP, "IX-049", "index-last-uid-jump", STALE, NONE, \
	  "last_uid is $a, no record or file goes beyond $e", \
	  "Nothing a customer sees; a number this far ahead can run out.", \
	  "Kept: lowering it could give a number twice.") \
	X(INDEX_GMTIME_CONTENT, "IX-050", "index-gmtime-in-content-offset", NOTE, NONE, \
	  "record $l: content_offset holds a date, $a (docs/formats/errata.md)", \
	  "Nothing: Cyrus 3.13 writes old versions so.", \
	  "Read as meant.") \
	X(INDEX_FIRST_EXPUNGED_UPGRADE, "IX-051", "index-first-expunged-upgrade", NOTE, NONE, \
	  "first_expunged is $a, an expunged record is of $e (docs/formats/errata.md)", \
	  "Nothing until the next expunge: Cyrus 2.4 left it so when it upgraded the mailbox.", \
	  "Computed again at the next rebuild.") \
	X(INDEX_HEADER_ZEROED, "IX-052", "index-header-zeroed", DAMAGE, RULE, \
	  "the header is zeros", \
	  "The mailbox cannot be opened; some of its totals may be lost, no mail is.", \
	  "Built again; every record behind it whose checksum verifies is kept.") \
	X(INDEX_FOREIGN, "IX-053", "index-of-another-mailbox", DAMAGE, RULE, \
	  "of $e messages $a have the size their record says, and $t", \
	  "Messages are shown with flags, dates and numbers of another mailbox; a server that goes on with it may remove mail.", \
	  "Built again as if it were missing; a record is taken where it is of the very message. Look whether the mailbox it belongs to misses it: it is kept in the undo archive.")

/* ---- cyrus.expunge (docs/formats/index.md 10.2) ---- */
#define CYRE_PROBLEMS_EX(X) \
	X(EXPUNGE_IN_INDEX, "EX-002", "expunge-uid-alive", DAMAGE, EXACT, \
	  "the message is in cyrus.index and in cyrus.expunge", \
	  "Cyrus 2.3's reconstruct and every later release would delete a message that is alive.", \
	  "The index is right: the record is removed from cyrus.expunge.") \
	X(EXPUNGE_STALE, "EX-003", "expunge-stale", DAMAGE, ASK, \
	  "a cyrus.expunge beside an index of version $a", \
	  "This server deletes the listed messages as soon as it opens the mailbox.", \
	  "The records are merged into the index as expunged, or the file is moved to the undo archive.") \
	X(EXPUNGE_FILE_MISSING, "EX-004", "expunge-file-missing", NOTE, NONE, \
	  "there is no file for a message that was deleted", \
	  "Nothing: the message was deleted by its owner.", \
	  "The record is dropped.")

/* ---- cyrus.cache (docs/formats/cache.md section 10) ---- */
#define CYRE_PROBLEMS_CA(X) \
	X(CACHE_MISSING, "CA-001", "cache-missing", STALE, EXACT, \
	  "there is no cyrus.cache", \
	  "Listings are slow until it is made again; no mail is lost.", \
	  "Every message is parsed again.") \
	X(CACHE_CRC, "CA-002", "cache-crc", STALE, EXACT, \
	  "the checksum is $E, the index says $A", \
	  "Slow or wrong listing of one message; no mail is lost.", \
	  "The message is parsed again.") \
	X(CACHE_SHORT, "CA-003", "cache-short", STALE, EXACT, \
	  "the file has $a bytes, too few for its first number", \
	  "Listings are slow until it is made again; no mail is lost.", \
	  "Every message is parsed again.") \
	X(CACHE_GENERATION, "CA-004", "cache-generation", STALE, EXACT, \
	  "generation $a, the index is of generation $e", \
	  "Releases up to 2.3 refuse to open the mailbox, later ones list it slowly; no mail is lost.", \
	  "Records that belong to their messages are kept, the others parsed again.") \
	X(CACHE_OFFSET, "CA-005", "cache-offset", STALE, EXACT, \
	  "the index looks for the record at $a, the file has $e bytes", \
	  "Slow or wrong listing of one message; no mail is lost.", \
	  "The message is parsed again.") \
	X(CACHE_OVERLAP, "CA-006", "cache-overlap", STALE, EXACT, \
	  "the record begins at $o, inside that of uid $e", \
	  "Wrong listing of a message; no mail is lost.", \
	  "The messages are parsed again.") \
	X(CACHE_RECORD_CUT, "CA-007", "cache-record-cut", STALE, EXACT, \
	  "the record takes $e bytes or more, the file has $a behind its start", \
	  "Slow or wrong listing of one message; no mail is lost.", \
	  "The message is parsed again.") \
	X(CACHE_RECORD_LONG, "CA-008", "cache-record-long", STALE, EXACT, \
	  "the record claims $a bytes or more, the limit is $e", \
	  "Slow or wrong listing of one message; no mail is lost.", \
	  "The message is parsed again.") \
	X(CACHE_PADDING, "CA-009", "cache-padding", STALE, EXACT, \
	  "the bytes between two items are not zero", \
	  "Listing of one message may be wrong; no mail is lost.", \
	  "The message is parsed again.") \
	X(CACHE_VERSION, "CA-010", "cache-version", STALE, EXACT, \
	  "the index gives the record version $a, the highest is $e", \
	  "Listing of one message may be wrong; no mail is lost.", \
	  "The message is parsed again.") \
	X(CACHE_ITEM, "CA-011", "cache-item", STALE, EXACT, \
	  "$t, at offset $o", \
	  "Wrong listing of one message; no mail is lost.", \
	  "The message is parsed again.") \
	X(CACHE_OTHER_MESSAGE, "CA-012", "cache-other-message", STALE, EXACT, \
	  "the record tells of a message whose $t is $a, in the index it is $e", \
	  "The listing shows another message than the one that opens; no mail is lost.", \
	  "The message is parsed again.") \
	X(CACHE_NO_CRC, "CA-013", "cache-no-crc", NOTE, NONE, \
	  "the index has no checksum for the record", \
	  "Nothing: the server parses such a message whenever it is listed.", \
	  "None needed; the next repack adds it.") \
	X(CACHE_STALE, "CA-014", "cache-stale", STALE, EXACT, \
	  "well-formed, but not what the message gives: $t", \
	  "Wrong listing or search of one message; no mail is lost.", \
	  "The message is parsed again.") \
	X(CACHE_OLD_FORM, "CA-015", "cache-old-form", NOTE, NONE, \
	  "in another form than we make of the message: $t", \
	  "Nothing: releases up to 2.4 wrote these items in more than one way.", \
	  "None needed.")

/* ---- databases (docs/formats/twoskip.md, skiplist.md, other-databases.md) ---- */
#define CYRE_PROBLEMS_DB(X) \
	X(DB_UNKNOWN, "DB-001", "db-unrecognised", DAMAGE, ASK, \
	  "no database of any kind we know", \
	  "What this file kept (mailbox list, read marks, subscriptions) is not available.", \
	  "Salvage it with cyrdb, naming the format it had; else it is built again from other files.") \
	X(DB_EMPTY, "DB-002", "db-empty-file", NOTE, NONE, \
	  "the file has no bytes", \
	  "Nothing, unless the file should hold something: the server takes it for a new, empty one.", \
	  "None here; a mailbox list without entries is reported apart.") \
	X(DB_HEADER, "DB-003", "db-header", DAMAGE, EXACT, \
	  "the header is damaged", \
	  "The server cannot open this database, although its entries are still there.", \
	  "Written again from every record that is still readable.") \
	X(DB_DIRTY, "DB-004", "db-not-closed", STALE, EXACT, \
	  "a writer was stopped in the middle", \
	  "Nothing: the server mends it when it opens the file.", \
	  "Written again with the last committed state.") \
	X(DB_UNCOMMITTED, "DB-005", "db-open-transaction", STALE, EXACT, \
	  "$l bytes after the last commit, which ends at $o", \
	  "The server stopped in the middle of a write; that last change does not count.", \
	  "The last committed state is kept; what was dropped is shown.") \
	X(DB_TRUNCATED, "DB-006", "db-truncated", DAMAGE, RULE, \
	  "$a bytes of $e", \
	  "The newest entries are missing; the server may lose more when it opens the file.", \
	  "Written again from what is left.") \
	X(DB_RECORD, "DB-007", "db-record-damaged", DAMAGE, RULE, \
	  "record at $o: $t", \
	  "Entries from here on cannot be seen; the server may lose all of them.", \
	  "Written again from every record that is still readable.") \
	X(DB_CUT, "DB-008", "db-walk-ends", DAMAGE, RULE, \
	  "the list of keys ends at $o after $a of $e", \
	  "The server shows only the keys before this place, and says nothing.", \
	  "Written again from every record that is still readable.") \
	X(DB_LINK, "DB-009", "db-broken-links", STALE, EXACT, \
	  "a link beside the record at $o is $a, should be $e", \
	  "Some entries may not be found; none is lost.", \
	  "Written again; the keys are all known.") \
	X(DB_ORDER, "DB-010", "db-key-order", STALE, EXACT, \
	  "$a keys stand out of order", \
	  "Some entries may not be found; none is lost.", \
	  "Written again in order.") \
	X(DB_COUNT, "DB-011", "db-count", STALE, EXACT, \
	  "$a keys, the header says $e", \
	  "Nothing, unless entries were lost before.", \
	  "Counted again.") \
	X(DB_WASTE, "DB-012", "db-dead-bytes", NOTE, NONE, \
	  "$l bytes from $o on belong to no record", \
	  "Nothing: no entry in use is there.", \
	  "Dropped when the file is next written.") \
	X(DB_FIELD, "DB-013", "db-header-field", STALE, EXACT, \
	  "$t is $a, should be $e", \
	  "Nothing: the server corrects it, or refuses the file although all entries are there.", \
	  "Written again.") \
	X(DB_KEYS_LOST, "DB-014", "db-keys-lost", LOSS, RULE, \
	  "$a keys of $e are in no readable record", \
	  "Entries of this database are gone unless another file has them.", \
	  "Looked for in the mailboxes and in older copies.") \
	X(DB_VALUE, "DB-015", "db-value-unreadable", DAMAGE, RULE, \
	  "the value of the record at $o: $t", \
	  "One entry cannot be used; the server may end each time it meets it.", \
	  "Made again from the mailbox or an older copy; else left out.") \
	X(DB_NO_KEYS, "DB-016", "db-berkeley-no-keys", NOTE, NONE, \
	  "no key is in the file", \
	  "Nothing, unless the server was killed: then the keys may still stand in the log files of its environment.", \
	  "Keep the log files, db/log.*, beside it when you copy it: they are read with it.") \
	X(DB_LOG_NEWER, "DB-017", "db-log-newer", STALE, EXACT, \
	  "$a keys stand in the log files of its environment alone, or otherwise", \
	  "Nothing, while the log files are there: the server applies them when it starts.", \
	  "Read, and written again, with the log files applied to a copy.") \
	X(DB_LOG_DAMAGED, "DB-018", "db-log-damaged", DAMAGE, ASK, \
	  "$t: not a log record at $o, but one at $a", \
	  "Changes behind this place cannot be applied; the newest entries may be missing.", \
	  "The entries are read without them; compare with the mailboxes.") \
	X(DB_LOG_UNREAD, "DB-019", "db-log-unreadable", NOTE, NONE, \
	  "log files of version $a beside it could not be applied", \
	  "Nothing, unless the server was killed: then the newest entries stand only there.", \
	  "Run db_recover of the Berkeley DB release that wrote them on a copy of the directory.") \
	X(DB_JOURNAL, "DB-020", "db-journal-left", STALE, ASK, \
	  "$t beside it holds $l bytes", \
	  "The newest changes may stand only there; SQLite applies it when the server opens the file.", \
	  "Copy both files together; nothing is written here.") \
	X(DB_LOG_ONLY, "DB-021", "db-in-logs-alone", DAMAGE, EXACT, \
	  "the file is destroyed, $a keys stand in the log files of its environment", \
	  "The server cannot use the file, and its own recovery does not mend it.", \
	  "Made again from the log files, on a copy.")

/* ---- the configdirectory: what its databases say, and should ---- */
#define CYRE_PROBLEMS_CD(X) \
	X(MBOXLIST_MISSING, "CD-001", "mailboxes-db-missing", DAMAGE, RULE, \
	  "there is no mailboxes.db, or none that can be read", \
	  "The server knows no mailbox: nobody can read mail, and none is taken.", \
	  "Made again from the mailboxes and older copies.") \
	X(MBOXLIST_EMPTY, "CD-002", "mailboxes-db-no-entries", DAMAGE, RULE, \
	  "mailboxes.db names no mailbox", \
	  "The server knows no mailbox: nobody can read mail, and none is taken.", \
	  "Made again from the mailboxes and older copies.") \
	X(MBOXLIST_NO_I, "CD-003", "db-missing-i-key", STALE, EXACT, \
	  "no entry by uniqueid for $t", \
	  "Replication and JMAP may not find this mailbox; IMAP does.", \
	  "Made again from the entry by name.") \
	X(MBOXLIST_NO_N, "CD-004", "db-missing-n-key", NOTE, NONE, \
	  "an entry by uniqueid for $t, which has none of this id by name (docs/formats/errata.md)", \
	  "Nothing: 3.6 leaves it behind when a mailbox is deleted.", \
	  "None needed; dropped when mailboxes.db is rebuilt.") \
	X(MBOXLIST_I_DISAGREES, "CD-005", "db-i-key-disagrees", DAMAGE, RULE, \
	  "the entries of $t by name and by uniqueid are not the same", \
	  "The server may show old rights, or look in the wrong place.", \
	  "The entry by name wins; the other is made again from it.") \
	X(MBOXLIST_ID_TWICE, "CD-006", "db-uniqueid-duplicate", DAMAGE, RULE, \
	  "two mailboxes have one uniqueid, this one is $t", \
	  "Seen marks, and from 3.6 on the mail, of the two mix.", \
	  "The mailbox whose cyrus.header has the id keeps it.") \
	X(MBOXLIST_NO_J, "CD-007", "db-missing-j-key", STALE, EXACT, \
	  "no entry by JMAP id for $t", \
	  "JMAP clients do not find this mailbox; IMAP does.", \
	  "Made again from the entry by name.") \
	X(MBOXLIST_BOGUS_J, "CD-008", "db-bogus-jmapid", STALE, EXACT, \
	  "an entry by JMAP id for $t, which has another or none", \
	  "JMAP clients may be shown the wrong mailbox.", \
	  "Dropped; the right one is made from the entry by name.") \
	X(MBOXLIST_RACL, "CD-009", "db-reverse-acl", STALE, EXACT, \
	  "$a entries that say who may see what are missing, $e are too many", \
	  "Shared mailboxes may be missing from a list, or stand in it in vain.", \
	  "Made again from the rights of the mailboxes.") \
	X(MBOXLIST_RESERVED, "CD-010", "db-reserved-entry", DAMAGE, ASK, \
	  "creating or moving $t was interrupted", \
	  "The server deletes this mailbox with its mail at the next start (ctl_cyrusdb -r).", \
	  "Look whether its directory holds mail before the server is started.") \
	X(DB_DISPOSABLE, "CD-011", "db-cache-damaged", STALE, EXACT, \
	  "$t is damaged, and only saves work", \
	  "At worst a message is delivered twice, or a vacation reply sent again.", \
	  "Delete the file while the server is stopped; it makes a new one.") \
	X(COUNTERS_DAMAGED, "CD-012", "counters-damaged", DAMAGE, NONE, \
	  "no counters file: its length, version or check sum is wrong", \
	  "Mail goes on, but the numbers by which JMAP and calendar clients ask for changes stand still: they miss some.", \
	  "With the server stopped, move the file away: the server makes a new one from the mailboxes it changes.") \
	X(DB_LEFTOVER, "CD-013", "db-leftover-new", NOTE, NONE, \
	  "left by an interrupted rewrite", \
	  "Nothing: the server ignores it.", \
	  "None needed; look at it with cyrdb when the database itself is damaged.") \
	X(SERVER_FILE_MISPLACED, "CD-014", "server-file-misplaced", DAMAGE, ASK, \
	  "not in the directory where the server looks for it", \
	  "The server does not see what this file keeps.", \
	  "Move it, or mend fulldirhash in imapd.conf.") \
	X(USER_FILES_NO_ENTRY, "CD-015", "user-files-no-db-entry", NOTE, NONE, \
	  "mailboxes.db has no INBOX for the user of these files", \
	  "Nothing, when the account was deleted or is an administrator's.", \
	  "None needed; kept, in case the account comes back.") \
	X(MBOXLIST_J_SHARED, "CD-016", "db-jmapid-shared", NOTE, NONE, \
	  "another mailbox of the user has the JMAP id of $t (docs/formats/errata.md)", \
	  "Nothing, unless the user has a JMAP client, which sees one of them.", \
	  "None needed.") \
	X(LIST_PARTITION, "CD-017", "db-partition-unknown", DAMAGE, ASK, \
	  "$a mailboxes are on partition $t, which imapd.conf does not have", \
	  "The server cannot open these mailboxes.", \
	  "Name the partition in imapd.conf, or bring its disk back.") \
	X(SEEN_NO_MAILBOX, "CD-018", "seen-no-mailbox", NOTE, NONE, \
	  "read marks of a mailbox with the uniqueid $t, which none has", \
	  "Nothing, when the mailbox was deleted.", \
	  "None needed; kept.") \
	X(SEEN_DETACHED, "CD-019", "seen-detached", DAMAGE, RULE, \
	  "read marks of $t, which has another uniqueid now", \
	  "Messages that were read are shown as new.", \
	  "The mailbox gets back the uniqueid these read marks have, or they get the one it has now.") \
	X(SUB_NO_MAILBOX, "CD-020", "subscription-no-mailbox", NOTE, NONE, \
	  "subscribed to $t, which does not exist", \
	  "Nothing: it stays in the list until the user removes it.", \
	  "None needed; kept.") \
	X(QUOTA_USED, "CD-021", "quota-usage", STALE, EXACT, \
	  "$t: $a used, the mailboxes add up to $e", \
	  "Mail may be refused although there is room, or taken although there is none.", \
	  "Counted again.") \
	X(QUOTA_NO_MAILBOX, "CD-022", "quota-root-unused", NOTE, NONE, \
	  "no mailbox is charged to $t", \
	  "Nothing, when the mailbox was deleted.", \
	  "None needed; its limit is kept.") \
	X(QUOTA_MISCOUNTED, "CD-023", "quota-usage-miscounted", NOTE, NONE, \
	  "$t: $a used, the mailboxes add up to $e (docs/formats/errata.md)", \
	  "Nothing, unless there is a limit to it: the server itself counts so.", \
	  "Counted again when the quota is rebuilt: quota -f.") \
	X(DB_NO_BYTES, "CD-024", "db-no-bytes", DAMAGE, ASK, \
	  "the file has no bytes; a sound $t database has some", \
	  "What it kept (read marks, annotations, conversations) is gone.", \
	  "Put back from a backup; conversations are made again by ctl_conversationsdb -b.") \
	X(ANNOTATIONS_MISSING, "CD-025", "annotations-db-missing", DAMAGE, ASK, \
	  "there is no annotations.db$t", \
	  "Annotations of mailboxes and folders are gone: comments, special use, settings of clients.", \
	  "Put back from the copy or a backup before the server is started; it makes an empty one.")

/* ---- message files ---- */
#define CYRE_PROBLEMS_ML(X) \
	X(MESSAGE_EMPTY, "ML-001", "message-empty", LOSS, NONE, \
	  "the file has no bytes", \
	  "One message is lost, unless another copy exists.", \
	  "Never deleted (the server's reconstruct would); look for its GUID elsewhere.") \
	X(MESSAGE_GUID, "ML-002", "message-guid-mismatch", DAMAGE, ASK, \
	  "the file's SHA-1 is not the one the index knows", \
	  "One message was changed on the disk, or is another one.", \
	  "The file is never touched and the record is kept; look for a copy with the GUID of the record.") \
	X(MESSAGE_NAME_ODD, "ML-003", "message-name-odd", STALE, ASK, \
	  "$t looks like a message, the server will not open it under this name", \
	  "A message may be invisible.", \
	  "Rename it by hand when its uid is free.") \
	X(MESSAGE_UNREADABLE, "ML-004", "message-unreadable", DAMAGE, NONE, \
	  "reading failed: $t", \
	  "One message could not be read from the disk.", \
	  "None: mend the disk or the permissions, then scan again.") \
	X(MESSAGE_ZEROED, "ML-005", "message-zeroed", LOSS, NONE, \
	  "the file begins with zeros", \
	  "Part of a message is lost, unless another copy exists.", \
	  "None; reported with its GUID so that a copy can be found.") \
	X(MESSAGE_TOO_DEEP, "ML-006", "message-too-deep", STALE, NONE, \
	  "more parts within parts than a rebuild follows", \
	  "The message is there and whole; clients see it as one, without its parts.", \
	  "Its record was made without its parts. If they matter, move the message out of the mailbox and deliver it again.") \
	X(MESSAGE_NOT_COMPARED, "ML-007", "message-not-compared", NOTE, NONE, \
	  "more parts within parts than a scan follows", \
	  "Nothing: whether its record in the cache is right, is not known.", \
	  "None needed.")
/* clang-format on */

#endif
