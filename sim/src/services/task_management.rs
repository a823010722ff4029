//! `TaskManagementService`: running tasks and asking after them.
//!
//! I/O only through [`World`], which finds the computers of a run in `inputParameters`.

use super::{guid, unknown};
use crate::wire::{Call, Fault, Reply};
use crate::world::{RunState, World};

pub(super) fn answer(world: &World, call: &Call) -> Result<Reply, Fault> {
    Ok(match call.operation.base {
        "ExecuteTask" => {
            let parameters = call.text("inputParameters");
            let instance = world.execute_task(
                guid(call, "taskGuid"),
                call.text("executionName"),
                parameters,
            )?;
            Reply::Guid(instance.to_string())
        }
        "GetTaskStatus" => {
            let run = world.task_run(guid(call, "taskGuid"))?;
            let states: Vec<RunState> = run.computers.iter().map(|(_, state, _)| *state).collect();
            let whole = if states.contains(&RunState::Started) {
                RunState::Started
            } else if states.contains(&RunState::NotStarted) {
                RunState::NotStarted
            } else if states.contains(&RunState::Failed) {
                RunState::Failed
            } else {
                RunState::Completed
            };
            Reply::Int(whole.code().into())
        }
        "GetTaskResourceStatus" => {
            let run = world.task_run(guid(call, "taskInstanceGuid"))?;
            let resource = guid(call, "resourceGuid");
            let state = run
                .computers
                .iter()
                .find(|(computer, _, _)| *computer == resource)
                .map_or(RunState::NotStarted, |(_, state, _)| *state);
            Reply::Int(state.code().into())
        }
        _ => return Err(unknown(call)),
    })
}
