//! Statements.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    rc::Rc,
};

use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::Ranged;

use super::{include, interp::Interp, loading::Loading, refuse};
use crate::{
    ConfigError, Level, Value,
    files::{self, MAX_DEPTH},
};

/// What comes after a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// The next statement.
    Next,
    /// The next round of the loop around it.
    Continue,
    /// What follows the loop around it.
    Break,
}

/// Reads a file into the configuration.
pub(crate) fn run(reading: &mut dyn Loading, path: &Path) -> Result<(), ConfigError> {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let unit = include::unit(reading, &real)?;
    let mut interp = Interp {
        included: HashSet::from([real.to_string_lossy().into_owned()]),
        reading,
        unit,
        locals: HashMap::new(),
        imports: HashMap::new(),
        rounds: 0,
        depth: 0,
        branch: false,
    };
    let unit = Rc::clone(&interp.unit);
    interp.body(&unit.parsed.syntax().body).map(drop)
}

impl Interp<'_> {
    pub(super) fn body(&mut self, statements: &[Stmt]) -> Result<Flow, ConfigError> {
        for stmt in statements {
            let flow = match stmt {
                Stmt::If(branch) => {
                    let outer = std::mem::replace(&mut self.branch, true);
                    let result = self.branches(branch);
                    self.branch = outer;
                    result?
                }
                Stmt::For(stmt) => self.for_loop(stmt)?,
                Stmt::Break(_) => Flow::Break,
                Stmt::Continue(_) => Flow::Continue,
                stmt => {
                    self.statement(stmt)?;
                    Flow::Next
                }
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, stmt: &Stmt) -> Result<(), ConfigError> {
        match stmt {
            Stmt::Assign(assign) => {
                let value = self.eval(&assign.value)?;
                for target in &assign.targets {
                    self.assign(target, value.clone())?;
                }
                Ok(())
            }
            Stmt::AnnAssign(assign) => match &assign.value {
                Some(value) => {
                    let value = self.eval(value)?;
                    self.assign(&assign.target, value)
                }
                None => Ok(()),
            },
            Stmt::AugAssign(assign) => self.augmented(assign),
            Stmt::Expr(expr) => match expr.value.as_ref() {
                Expr::Call(call) if include::is_include(call) => self.include(call),
                value => self.eval(value).map(drop),
            },
            Stmt::Delete(delete) => delete.targets.iter().try_for_each(|t| self.delete(t)),
            Stmt::Pass(_) => Ok(()),
            Stmt::Import(import) if self.import(import) => Ok(()),
            Stmt::ImportFrom(import) if self.import_from(import) => Ok(()),
            other => {
                let (what, instead) = refuse::statement(other);
                Err(self.refused(other, what, instead))
            }
        }
    }

    fn branches(&mut self, branch: &ruff_python_ast::StmtIf) -> Result<Flow, ConfigError> {
        let mut taken = self.eval(&branch.test)?.truth();
        let mut flow = Flow::Next;
        if taken {
            flow = self.body(&branch.body)?;
        } else {
            self.skipped(&branch.body);
        }
        for clause in &branch.elif_else_clauses {
            if !taken {
                taken = match &clause.test {
                    Some(test) => self.eval(test)?.truth(),
                    None => true,
                };
                if taken {
                    flow = self.body(&clause.body)?;
                    continue;
                }
            }
            self.skipped(&clause.body);
        }
        Ok(flow)
    }

    /// Says so where mock would include a file although the condition is false.
    fn skipped(&mut self, statements: &[Stmt]) {
        for stmt in statements {
            let Stmt::Expr(expr) = stmt else { continue };
            if matches!(expr.value.as_ref(), Expr::Call(call) if include::is_include(call)) {
                let text = format!(
                    "{}: this include() is under a condition that does not hold and is left out; \
                     mock would read it regardless of the condition",
                    self.unit.place(stmt.range())
                );
                self.say(Level::Warning, text);
            }
        }
    }

    fn include(&mut self, call: &ruff_python_ast::ExprCall) -> Result<(), ConfigError> {
        let [argument] = call.arguments.args.as_ref() else {
            return Err(self.wrong(call, "include() takes one argument, the name of a file"));
        };
        let Value::Str(name) = self.value(argument)? else {
            return Err(self.wrong(argument, "include() takes the name of a file as text"));
        };
        if self.depth >= MAX_DEPTH {
            return Err(ConfigError::Loop {
                place: self.unit.place(call.range()),
                message: format!("files include each other more than {MAX_DEPTH} deep"),
            });
        }
        let path =
            include::find(self.reading, &name).ok_or_else(|| ConfigError::MissingInclude {
                place: self.unit.place(call.range()),
                wanted: name.clone(),
                looked: include::looked(self.reading, &name),
            })?;
        let key = path.to_string_lossy().into_owned();
        if !self.included.insert(key.clone()) {
            self.say(
                Level::Warning,
                format!("Multiple inclusion of {key}, skipping"),
            );
            return Ok(());
        }
        self.reading.draft_mut().add_file(key);
        let inner = include::unit(self.reading, &path)?;
        let outer = std::mem::replace(&mut self.unit, Rc::clone(&inner));
        self.depth += 1;
        let result = self.body(&inner.parsed.syntax().body);
        self.depth -= 1;
        self.unit = outer;
        debug_assert!(files::exists(&path) || result.is_err());
        result.map(drop)
    }
}
