"""Which memories are chosen, and how objects with different memories become one batch."""

import torch

from napari_sam2.engine.memory_bank import Memory, batch_memories, choose_memories


def test_prompted_frames_have_age_zero_and_only_past_ones_give_pointers():
    choice = choose_memories(5, 1, prompted=[2, 9], tracked=[3, 4, 6])
    assert choice.maps == ((2, 0), (9, 0), (4, 1), (3, 2))
    assert choice.pointers == ((2, 3), (4, 1), (3, 2))


def test_backwards_counts_in_the_direction_of_the_pass():
    choice = choose_memories(5, -1, prompted=[2, 9], tracked=[3, 6, 7])
    assert choice.maps == ((2, 0), (9, 0), (6, 1), (7, 2))
    assert choice.pointers == ((9, 4), (6, 1), (7, 2))


def test_six_maps_and_fifteen_pointers_at_most():
    choice = choose_memories(100, 1, prompted=[0], tracked=range(1, 100))
    assert [age for _, age in choice.maps] == [0, 1, 2, 3, 4, 5, 6]
    assert [d for _, d in choice.pointers] == [100, *range(1, 16)]


def test_the_frame_itself_is_no_memory():
    assert choose_memories(5, 1, prompted=[5], tracked=[5]).frames == frozenset()


def memory(value):
    return Memory(torch.full((2, 3, 3), value), torch.full((4,), value))


def test_shorter_lists_are_padded_and_say_so():
    choices = [choose_memories(3, 1, [0], [1, 2]), choose_memories(3, 1, [2], [])]
    memories = [{f: memory(float(f + 1)) for f in c.frames} for c in choices]
    batch = batch_memories(choices, memories, 10, torch.device("cpu"))
    assert batch.maps.shape == (2, 3, 2, 3, 3)
    assert batch.valid_maps.tolist() == [[True] * 3, [True, False, False]]
    assert batch.map_age.tolist() == [[0, 1, 2], [0, 0, 0]]
    assert batch.valid_pointers.tolist() == [[True] * 3, [True, False, False]]
    assert batch.max_distance == 9
    alone = batch_memories(choices[1:], memories[1:], 10, torch.device("cpu"))
    assert alone.valid_maps is None
    assert alone.valid_pointers is None


def test_without_pointers_there_are_none():
    choice = choose_memories(0, 1, prompted=[3], tracked=[])
    batch = batch_memories([choice], [{3: memory(1.0)}], 2, torch.device("cpu"))
    assert batch.pointers.shape == (1, 0, 4)
    assert batch.pointer_distance.shape == (1, 0)
