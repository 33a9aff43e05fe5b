//! The assembler against what LLVM makes of the same.

use super::*;

fn bytes(build: impl FnOnce(&mut Asm)) -> Vec<[u8; 8]> {
    let mut asm = Asm::default();
    build(&mut asm);
    let code = asm.finish().unwrap();
    code.into_iter().map(u64::to_le_bytes).collect()
}

#[test]
fn instructions_are_those_of_llvm() {
    // What `llvm-objdump -d` shows for the same statements in BPF C.
    let code = bytes(|asm| {
        asm.set(Reg::R0, -2);
        asm.copy(Reg::R6, Reg::R0);
        asm.sub_reg(Reg::R1, Reg::R6);
        asm.add(Reg::R7, -1);
        asm.load(Reg::R2, Reg::Frame, -16, Width::Double);
        asm.load(Reg::R2, Reg::R1, 4, Width::Word);
        asm.store(Reg::Frame, -8, Reg::R1, Width::Double);
        asm.copy_low(Reg::R3, Reg::R8);
        asm.keep_bits(Reg::R3, 255);
        asm.shift_right(Reg::R3, 32);
        asm.fetch_add(Reg::R7, 16, Reg::R1);
        asm.call(Helper::KtimeGetNs);
        asm.call_kernel(BtfId(0x1234));
        asm.exit();
    });
    assert_eq!(
        code,
        [
            [0xb7, 0x00, 0, 0, 0xfe, 0xff, 0xff, 0xff],
            [0xbf, 0x06, 0, 0, 0, 0, 0, 0],
            [0x1f, 0x61, 0, 0, 0, 0, 0, 0],
            [0x07, 0x07, 0, 0, 0xff, 0xff, 0xff, 0xff],
            [0x79, 0xa2, 0xf0, 0xff, 0, 0, 0, 0],
            [0x61, 0x12, 0x04, 0, 0, 0, 0, 0],
            [0x7b, 0x1a, 0xf8, 0xff, 0, 0, 0, 0],
            [0xbc, 0x83, 0, 0, 0, 0, 0, 0],
            [0x57, 0x03, 0, 0, 0xff, 0, 0, 0],
            [0x77, 0x03, 0, 0, 32, 0, 0, 0],
            [0xdb, 0x17, 16, 0, 1, 0, 0, 0],
            [0x85, 0x00, 0, 0, 5, 0, 0, 0],
            [0x85, 0x20, 0, 0, 0x34, 0x12, 0, 0],
            [0x95, 0x00, 0, 0, 0, 0, 0, 0],
        ]
    );
}

#[test]
fn jumps_count_from_the_next_instruction() {
    let code = bytes(|asm| {
        let (back, ahead) = (asm.label(), asm.label());
        asm.place(back);
        asm.may_jump(ahead);
        asm.jump_if(Reg::R1, Condition::Above, Reg::R2, back);
        asm.jump_if_value(Reg::R1, Condition::LessSigned, 0, back);
        asm.jump(back);
        asm.place(ahead);
        asm.exit();
    });
    assert_eq!(code[0], [0xe5, 0, 3, 0, 0, 0, 0, 0]);
    assert_eq!(code[1], [0x2d, 0x21, 0xfe, 0xff, 0, 0, 0, 0]);
    assert_eq!(code[2], [0xc5, 0x01, 0xfd, 0xff, 0, 0, 0, 0]);
    assert_eq!(code[3], [0x05, 0, 0xfc, 0xff, 0, 0, 0, 0]);
}

#[test]
fn a_jump_to_nowhere_is_refused() {
    let mut asm = Asm::default();
    let label = asm.label();
    asm.jump(label);
    assert_eq!(asm.finish(), Err(AsmError::Unplaced));
}
