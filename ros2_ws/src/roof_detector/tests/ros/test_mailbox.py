# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import threading

from roof_detector.ros.detector.annotation_worker import Mailbox


def test_an_empty_mailbox_lets_its_taker_go_when_it_closes():
    mailbox: Mailbox[int] = Mailbox()
    taken = []
    taker = threading.Thread(target=lambda: taken.append(mailbox.take()))
    taker.start()
    assert mailbox.close() == ()
    taker.join(timeout=60)
    assert taken == [None]


def test_the_newest_item_displaces_the_one_that_waits():
    mailbox: Mailbox[int] = Mailbox()
    assert mailbox.put(1) is None
    assert mailbox.put(2) == 1
    assert mailbox.take() == 2


def test_a_closed_mailbox_hands_everything_back():
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(1)
    assert mailbox.close() == (1,)
    assert mailbox.put(2) == 2
    assert mailbox.take() is None


def test_senders_are_served_in_the_order_in_which_they_began_to_wait():
    mailbox: Mailbox[str] = Mailbox()
    for item, sender in (('a1', 'a'), ('b1', 'b'), ('a2', 'a')):
        mailbox.put(item, sender=sender)
    assert mailbox.take() == 'a2'
    mailbox.put('a3', sender='a')
    assert [mailbox.take(), mailbox.take()] == ['b1', 'a3']
